// @ts-check
/**
 * What each mark looks like, in thousandths of the page's width: the same lengths as in the final PDF. For the page, its
 * thumbnail and a copy one peeks at.
 */
import { html, nothing, repeat, svg } from "../core/island.js";
import { read, signed } from "./amounts.js";
import { bounds, curve, distance, fromShares, ribbon } from "./ink.js";
import { t } from "../core/words.js";

/** @typedef {import("./types.js").Annotation} Annotation */

const LINE_OF_WRITING = 40; // an error up to this high is underlined, higher: framed
const WAVE = 6.5;
const NEAR = 10; // how far from a pen line one may point at it
const STAMP = 24; // half of what a tick or a cross takes

/** @type {WeakMap<Annotation, {height: number, lines: number[][], path: string}>} */
const drawn = new WeakMap();

/** Marks are never changed in place, so each path is made once. @param {Annotation} mark @param {number} height */
function pen(mark, height) {
  const before = drawn.get(mark);
  if (before?.height === height) return before;
  const lines = (mark.points ?? []).filter((stroke) => stroke.length).map((stroke) => fromShares(stroke, height));
  const path = lines.map((line, i) => (mark.pressures?.[i]?.length ? ribbon(line, mark.pressures[i]) : curve(line))).join("");
  const made = { height, lines, path };
  drawn.set(mark, made);
  return made;
}

/** @param {Annotation} mark */
export const colourOf = (mark) => mark.colour ?? (mark.type === "tick" || mark.type === "bonus" ? "green" : "red");

/** Where a mark is. @param {Annotation} mark @param {number} height */
export function box(mark, height) {
  if (mark.type === "pen") return bounds(pen(mark, height).lines.flat());
  const [x, y, w, h] = [mark.x * 1000, mark.y * height, mark.w * 1000, mark.h * height];
  if (mark.type !== "tick" && mark.type !== "cross") return { x, y, w, h };
  return { x: x + w / 2 - STAMP, y: y + h / 2 - STAMP, w: 2 * STAMP, h: 2 * STAMP };
}

/** Whether one points at the drawn part of a mark. */
export function hit(/** @type {Annotation} */ mark, /** @type {number} */ height, /** @type {number} */ x, /** @type {number} */ y) {
  if (mark.type === "pen") return pen(mark, height).lines.some((line) => distance(line, x, y) < NEAR);
  const at = box(mark, height);
  const low = mark.type === "error" ? NEAR : 0; // the wave is under its box
  return at.w > 0 && x >= at.x && x <= at.x + at.w && y >= at.y && y <= at.y + at.h + low;
}

/** The drawn part of a mark, if it has one. @param {Annotation} mark @param {number} height @param {string} [state] */
export function shape(mark, height, state = "", shift = "") {
  const name = `ink ${mark.type} ${colourOf(mark)} ${state}`;
  const moved = shift || nothing;
  const { x, y, w, h } = box(mark, height);
  if (mark.type === "pen") {
    const pressed = mark.pressures?.some((each) => each.length) ? "pressed" : "";
    return svg`<path class=${`${name} ${pressed}`} d=${pen(mark, height).path} transform=${moved}></path>`;
  }
  if (mark.type === "highlight") return svg`<rect class=${name} x=${x} y=${y} width=${w} height=${h} rx="3" transform=${moved}></rect>`;
  if (mark.type === "tick" || mark.type === "cross") {
    const [cx, cy] = [x + STAMP, y + STAMP];
    const path = mark.type === "tick" ? `M${cx - 15.5} ${cy + 1.5}l10 11 21-27` : `M${cx - 13} ${cy - 13}l26 26m0-26l-26 26`;
    return svg`<path class=${name} d=${path} transform=${moved}></path>`;
  }
  if (mark.type === "comment" || !w) return nothing;
  if (mark.type === "error" && h <= LINE_OF_WRITING) return svg`<path class=${name} d=${wave(x, y + h, w)} transform=${moved}></path>`;
  return svg`<rect class=${`${name} frame`} x=${x} y=${y} width=${w} height=${h} rx="4" transform=${moved}></rect>`;
}

/** @param {number} x @param {number} y @param {number} w */
function wave(x, y, w) {
  const waves = Math.max(2, Math.round(w / WAVE));
  const points = Array.from({ length: waves + 1 }, (_, i) => `${(x + (w * i) / waves).toFixed(1)} ${i % 2 ? y + 2.2 : y - 2.2}`);
  return `M${points.join("L")}`;
}

/** What is written beside or instead of a drawn mark; "" for none. @param {Annotation} mark */
export const words = (mark) => mark.content || (mark.type === "bonus" ? t("desk.tool.bonus") : "");

/** @param {Annotation} mark */
export const noted = (mark) => Boolean(words(mark) || mark.score_delta);

/** Top left corner of a mark's words. @param {Annotation} mark @param {number} height */
export function noteAt(mark, height) {
  const at = box(mark, height);
  if (mark.type === "comment") return { x: at.x, y: at.y };
  if (mark.type === "pen") return { x: at.x + at.w + 6, y: at.y };
  if (mark.type === "tick" || mark.type === "cross") return { x: at.x + STAMP + 22, y: at.y + STAMP - 14 };
  return { x: at.x, y: at.h ? at.y + at.h + 6 : at.y };
}

/** Highlights under the ink, both under the words. @param {Annotation[]} marks @param {number} height */
export function layer(marks, height, /** @type {(mark: Annotation) => [string, string]} */ state = () => ["", ""]) {
  const [under, over] = [marks.filter((mark) => mark.type === "highlight"), marks.filter((mark) => mark.type !== "highlight")];
  const drawn = (/** @type {Annotation[]} */ list) => repeat(list, (mark) => mark.id, (mark) => shape(mark, height, ...state(mark)));
  return svg`<g class="under">${drawn(under)}</g><g>${drawn(over)}</g>`;
}

/** A page as it is looked at without being marked: its thumbnail, or a copy one peeks at. */
export function still(/** @type {Annotation[]} */ marks, /** @type {number} */ height) {
  return html`<svg class="layer" viewBox=${`0 0 1000 ${height}`} aria-hidden="true">${layer(marks, height)}</svg>`;
}

/** Where words stand, as CSS variables. @param {number} x @param {number} y @param {number} height @param {Annotation} mark */
export function placed(x, y, height, mark) {
  return { "--x": `${x / 10}%`, "--y": `${(100 * y) / height}%`, "--w": `${narrow(mark) ? mark.w * 100 : WIDEST}cqw`, "--size": narrow(mark) ? "1.3cqw" : "1.5cqw" };
}
const WIDEST = 31;

/** Words that keep to the margin. @param {Annotation} mark */
const narrow = (mark) => mark.type === "comment" && mark.w > 0 && mark.w < 0.25;

/** @param {Annotation} mark @param {string} code of its item */
export function inside(mark, code) {
  const delta = read(mark.score_delta ?? "");
  return html`${code ? html`<span class="of">${code}</span>` : nothing}${words(mark)}${delta ? html`<b>${signed(delta)}</b>` : nothing}`;
}
