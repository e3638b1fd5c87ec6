// @ts-check
/** What the desk's keys do, until somebody changes them. Letters stand in the same place on AZERTY and QWERTY. */
import { html, icon, nothing } from "../core/island.js";
import { Keys } from "../core/keys.js";
import { t } from "../core/words.js";

const COMMENTS = Array.from({ length: 9 }, (_, i) => `alt+${i + 1}`);

/** @param {string} group @param {Record<string, string>} keys chords, with blanks between them */
const commands = (group, keys) => Object.entries(keys).map(([id, chords]) => ({ id, group, keys: chords.split(" ") }));

export const keys = new Keys("desk.keys", [
  ...commands("scores", { accept: "enter", down: "arrowdown", up: "arrowup", remark: "r", appraisal: "a", finish: "mod+enter" }),
  ...commands("comments", { comment: "c", ...Object.fromEntries(COMMENTS.map((key, i) => [`comment-${i + 1}`, key])) }),
  ...commands("tools", { select: "v", pen: "p", highlight: "h", tick: "t", cross: "x", error: "u", bonus: "b", eraser: "e", here: "i" }),
  ...commands("marks", { undo: "mod+z", redo: "mod+shift+z mod+y", "next-mark": "l", delete: "delete", edit: "f2", cancel: "escape" }),
  ...commands("copies", { next: "n", previous: "shift+n", unmarked: "s", peek: "k" }),
  ...commands("view", { "page-down": "pagedown", "page-up": "pageup", "zoom-in": "+ =", "zoom-out": "-", fit: "f", dim: "d", spread: "g", help: "?" }),
]);

const CAPS = /** @type {Record<string, string>} */ ({ enter: "↵", arrowup: "↑", arrowdown: "↓", mod: "Ctrl", alt: "Alt", pagedown: "PgDn", pageup: "PgUp", f2: "F2" });

/** A chord as it is printed on keys. @param {string} name */
export function caps(name) {
  const parts = name === "+" ? ["+"] : name.endsWith("++") ? [...name.slice(0, -2).split("+"), "+"] : name.split("+");
  return parts.map((part) => CAPS[part] ?? (["shift", "escape", "delete", "space", "backspace"].includes(part) ? t(`desk.key.${part}`) : part.toUpperCase()));
}

/**
 * A button that is a picture: its name, and the key that does the same, are said and shown when one points at it.
 * @param {string} label @param {string} picture @param {() => unknown} act
 * @param {{command?: string, pressed?: boolean, off?: boolean, kind?: string, more?: unknown}} [how] `more` stands beside the picture
 */
export function button(label, picture, act, { command = "", pressed, off = false, kind = "plain", more } = {}) {
  const key = keys.of(command)[0];
  return html`<button type="button" class=${kind} ?disabled=${off} aria-pressed=${pressed === undefined ? nothing : String(pressed)} aria-label=${label}
    title=${key ? `${label} (${caps(key).join(" ")})` : label} @click=${act}>${icon(picture)}${more}</button>`;
}
