// @ts-check
/** Dragging a line of the scheme with mouse, pen or finger: up and down for its place, left and right for its level. */
import { DEEPEST, endOf } from "./outline.js";

const LEVEL_PX = 26; // as far as a level is drawn to the right, css/setup.css

/**
 * @typedef {{
 *   lines: {value: import("./outline.js").Line[]},
 *   landing: {value: {from: number, at: number, level: number} | null},
 *   drop: (at: number, to: number, level: number) => void,
 * } & HTMLElement} Editor
 */

/**
 * From the grip's `pointerdown` on; lets go on `pointerup`, gives up on Escape.
 * @param {PointerEvent} event
 * @param {Editor} editor
 * @param {number} from
 */
export function dragging(event, editor, from) {
  if (event.button !== 0) return;
  const grip = /** @type {HTMLElement} */ (event.currentTarget);
  const lines = editor.lines.value;
  const end = endOf(lines, from);
  const startX = event.clientX;
  /** @type {{at: number, level: number} | null} */
  let target = null;
  grip.setPointerCapture(event.pointerId);

  const move = (/** @type {PointerEvent} */ now) => {
    const rows = [...editor.querySelectorAll(".scheme-row")].map((row) => row.getBoundingClientRect());
    const below = rows.findIndex((row) => now.clientY < row.top + row.height / 2);
    let at = below < 0 ? lines.length : below;
    if (at > from && at < end) at = from;
    const before = at > from ? lines[at - 1] : lines[Math.min(at, from) - 1];
    const wanted = lines[from].level + Math.round((now.clientX - startX) / LEVEL_PX);
    const level = Math.max(0, Math.min(wanted, before ? before.level + 1 : 0, DEEPEST));
    target = { at, level };
    editor.landing.value = { from, at: Math.min(at, lines.length - 1), level };
  };
  const stop = () => {
    for (const [name, heard] of listeners) grip.removeEventListener(name, /** @type {EventListener} */ (heard));
    editor.landing.value = null;
  };
  const drop = () => {
    stop();
    if (target && (target.at < from || target.at > end || target.level !== lines[from].level)) editor.drop(from, target.at, target.level);
  };
  const key = (/** @type {KeyboardEvent} */ pressed) => { if (pressed.key === "Escape") stop(); };
  const listeners = /** @type {[string, (event: any) => void][]} */ ([["pointermove", move], ["pointerup", drop], ["pointercancel", stop], ["keydown", key]]);
  for (const [name, heard] of listeners) grip.addEventListener(name, /** @type {EventListener} */ (heard));
}
