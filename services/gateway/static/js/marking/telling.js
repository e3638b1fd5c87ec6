// @ts-check
/** Short messages of the desk. What shows them is loaded after the first frame. */
import { Problem } from "../core/api.js";

/** @param {string} text @param {"ok" | "warn" | "bad"} [kind] @param {{text: string, run: () => void}} [act] */
export async function say(text, kind, act) {
  const toast = await import("../core/toast.js");
  toast.say(text, kind, act);
}

/** @param {unknown} error */
export function told(error) {
  if (!(error instanceof Problem)) throw error;
  void say(error.message, "bad");
}
