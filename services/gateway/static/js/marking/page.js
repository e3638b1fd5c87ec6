// @ts-check
/**
 * <mark-page data-n>: one page of the copy with what is marked on it; hand.js does the marking. Three layers: the ink
 * that is dry, the stroke under the pen (its own SVG, so that a pen event repaints nothing else), and the words.
 */
import { Island, html, nothing, repeat, signal, styled } from "../core/island.js";
import { t } from "../core/words.js";
import { box, colourOf, inside, layer, noteAt, noted, placed } from "./drawing.js";
import { share } from "./ink.js";
import * as S from "./store.js";

/** @typedef {import("./types.js").Annotation} Annotation */
/** @typedef {{moved?: string, dx?: number, dy?: number, gone?: Set<string>, rect?: {x: number, y: number, w: number, h: number}}} Doing */

export class MarkPage extends Island {
  number = 1;
  doing = signal(/** @type {Doing} */ ({}));

  setup() {
    this.number = Number(this.dataset.n);
  }

  get height() {
    return S.heightOf(this.number);
  }

  /** @returns {Annotation[]} */
  get marks() {
    return S.onPage.value.get(this.number) ?? [];
  }

  /** @param {Annotation} mark */
  note(mark) {
    const { moved, dx = 0, dy = 0, gone } = this.doing.value;
    const { x, y } = noteAt(mark, this.height);
    const state = `${S.selected.value === mark.id ? " chosen" : ""}${gone?.has(mark.id) ? " gone" : ""}`;
    const [left, top] = moved === mark.id ? [x + dx, y + dy] : [x, y];
    const code = mark.item_id ? (S.itemOf.value.get(mark.item_id)?.ref ?? "") : "";
    return html`<button type="button" class=${`said ${mark.type} ${colourOf(mark)}${state}`} data-id=${mark.id}
      ${styled(placed(left, top, this.height, mark))}
      @focus=${() => { S.selected.value = mark.id; }}
      @click=${(/** @type {MouseEvent} */ event) => event.detail === 0 && edit(mark)}>${inside(mark, code)}</button>`;
  }

  grip() {
    const mark = this.marks.find((each) => each.id === S.selected.value);
    if (!mark || !S.writable.value || this.doing.value.moved) return nothing;
    const corner = noted(mark) ? noteAt(mark, this.height) : box(mark, this.height);
    return html`<div class="grip" role="group" aria-label=${t("desk.chosen")} ${styled({ "--x": `${Math.min(corner.x, 800) / 10}%`, "--y": `${(100 * corner.y) / this.height}%` })}>
      <button type="button" @click=${() => edit(mark)}>${t("desk.edit")}</button>
      <button type="button" @click=${() => { S.erase([mark.id]); S.selected.value = ""; }}>${t("desk.delete")}</button></div>`;
  }

  view() {
    const page = S.desk.value?.copy.pages.find((/** @type {any} */ each) => each.page_no === this.number);
    if (!page) return nothing;
    const { copy } = /** @type {any} */ (S.desk.value);
    const { moved, dx, dy, gone, rect } = this.doing.value;
    const state = (/** @type {Annotation} */ mark) => /** @type {[string, string]} */ ([
      `${S.selected.value === mark.id ? "chosen" : ""}${gone?.has(mark.id) ? " gone" : ""}`,
      moved === mark.id ? `translate(${dx} ${dy})` : "",
    ]);
    const view = `0 0 1000 ${this.height}`;
    return html`<figure class=${`page with-${S.writable.value ? (S.armed.value ? "armed" : S.tool.value) : "nothing"}${S.dim.value ? " dim" : ""}`}>
      <img src=${`/api/v1/copies/${copy.id}/pages/${this.number}?size=screen&v=${copy.paper_revision}`} width=${page.width_px} height=${page.height_px}
        alt=${t("copy.page_of", { page: this.number, pages: copy.page_count })} loading=${this.number > 2 ? "lazy" : "eager"} draggable="false">
      <svg class="layer" viewBox=${view} aria-hidden="true">${layer(this.marks, this.height, state)}</svg>
      <svg class="layer wet" viewBox=${view} aria-hidden="true"></svg>
      ${rect ? html`<div class=${`rubber ${S.tool.value}`} ${styled({ "--x": `${rect.x / 10}%`, "--y": `${(100 * rect.y) / this.height}%`, "--w": `${rect.w / 10}%`, "--h": `${(100 * rect.h) / this.height}%` })}></div>` : nothing}
      <div class="notes">${repeat(this.marks.filter(noted), (mark) => mark.id, (mark) => this.note(mark))}${this.grip()}
        ${S.composer.value?.page === this.number ? html`<comment-composer></comment-composer>` : nothing}</div>
      <figcaption>${page.header_masked ? `${t("copy.masked")} · ` : ""}${page.covered?.length ? `${t("copy.covered")} · ` : ""}${this.number} / ${copy.page_count}</figcaption></figure>`;
  }
}

/** Move a mark on its page. @param {Annotation} mark @param {number} dx @param {number} dy @param {number} height */
export function shift(mark, dx, dy, height) {
  const moved = mark.points?.map((stroke) => stroke.map(([x, y]) => /** @type {[number, number]} */ ([share(x * 1000 + dx, 1000), share(y * height + dy, height)])));
  S.change(mark, { x: share(mark.x * 1000 + dx, 1000), y: share(mark.y * height + dy, height), ...(moved?.length ? { points: moved } : {}) });
}

/** Write a mark's words again. @param {Annotation} mark */
export function edit(mark) {
  if (!S.writable.peek()) return;
  const corner = noteAt(mark, S.heightOf(mark.page));
  S.composer.value = {
    page: mark.page, x: share(corner.x, 1000), y: share(corner.y, S.heightOf(mark.page)), mark, text: mark.content ?? "",
    item: mark.item_id ?? "", delta: Math.round(Number(mark.score_delta ?? 0) * 1000), comment: mark.comment_id ?? undefined,
  };
}

customElements.define("mark-page", MarkPage);
