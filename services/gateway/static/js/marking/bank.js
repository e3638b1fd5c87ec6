// @ts-check
/** The comments one can put with a key: the administrator's for everybody, and one's own. */
import { call } from "../core/api.js";
import { t } from "../core/words.js";
import { decimal, read } from "./amounts.js";
import * as S from "./store.js";
import { say, told } from "../core/toast.js";

/** Put a comment of the active item where one is reading, off the words that are there. @param {any} comment */
export function put(comment) {
  S.add({ ...spot(), type: "comment", colour: S.colour.peek(), content: comment.text, score_delta: comment.points, comment_id: comment.id });
}

/** A free place in the margin of the page in view, a third down what one sees of it. */
export function spot() {
  const page = S.pageInView.peek();
  const stage = /** @type {HTMLElement} */ (document.querySelector(".stage")).getBoundingClientRect();
  const sheet = /** @type {HTMLElement} */ (document.querySelector(`mark-page[data-n="${page}"]`)).getBoundingClientRect();
  const seen = (Math.max(stage.top, sheet.top) + stage.height / 3 - sheet.top) / sheet.height;
  const there = [...document.querySelectorAll(`mark-page[data-n="${page}"] .said`)].map((note) => note.getBoundingClientRect());
  const taken = there.filter((note) => note.left < sheet.left + sheet.width * MARGIN).map((note) => [(note.top - sheet.top) / sheet.height - GAP, (note.bottom - sheet.top) / sheet.height + GAP]);
  let y = Math.min(LOWEST, Math.max(0.04, seen));
  for (const [top, bottom] of taken.sort((a, b) => a[0] - b[0])) {
    if (y + GAP * 4 > top && y < bottom) y = Math.min(LOWEST, bottom);
  }
  return { page, x: 0.012, y: Math.round(y * 1e5) / 1e5, w: MARGIN };
}
const MARGIN = 0.16; // of the page's width: words there leave the candidate's own to be seen
const GAP = 0.006;
const LOWEST = 0.95;

/** Keep a comment in one's own bank. @param {string} text @param {number} delta @param {string} item */
export async function keep(text, delta, item) {
  const { exam } = /** @type {import("./types.js").Desk} */ (S.desk.peek());
  try {
    const made = await call("POST", `/exams/${exam.id}/comments`, { item_id: item || null, text, points: delta ? decimal(delta) : null });
    replace((comments) => [...comments, made]);
    say(t("desk.bank.kept"));
  } catch (error) {
    told(error);
  }
}

/** Take a comment out of one's own bank; what was marked with it stays. @param {any} comment */
export async function forget(comment) {
  replace((comments) => comments.filter((each) => each.id !== comment.id));
  try {
    await call("DELETE", `/comments/${comment.id}?version=${comment.version}`);
    say(t("desk.bank.forgotten"), "ok", { text: t("desk.undo"), run: () => keep(comment.text, read(comment.points ?? "") ?? 0, comment.item_id ?? "") });
  } catch (error) {
    replace((comments) => [...comments, comment]);
    told(error);
  }
}

/** @param {(comments: any[]) => any[]} change */
function replace(change) {
  const now = /** @type {import("./types.js").Desk} */ (S.desk.peek());
  S.desk.value = { ...now, comments: change(now.comments) };
}
