// @ts-check
/** Two copies side by side on one question: pages with their marks, scores, remarks. Arrows go to other questions. */
import { call } from "../core/api.js";
import { Island, html, icon, nothing, signal, svg } from "../core/island.js";
import { note } from "../core/problem.js";
import { points, t } from "../core/words.js";
import { band } from "./order.js";

/** @typedef {import("./order.js").Copy} Copy */
/** @typedef {import("./order.js").Item} Item */
/**
 * @typedef {{page: number, type: string, x: number, y: number, w: number, h: number, points: [number, number][][],
 *   content: string, score_delta: string | null, item_id: string | null, colour?: string}} Mark
 */
/**
 * @typedef {{copy: Copy, revision: number, pages: {page_no: number, width_px: number, height_px: number}[], marks: Mark[],
 *   remarks: Record<string, string>}} Side
 */

const UNITS = 1000; // of a page's width in the drawing

class CompareCopies extends Island {
  /** @type {Copy[]} */
  copies = [];
  /** @type {Item[]} */
  items = [];
  item = signal("");
  sides = signal(/** @type {(Side | null)[]} */ ([null, null]));
  problem = signal(/** @type {unknown} */ (null));

  setup() {
    this.copies.forEach((copy, place) => this.#read(copy, place));
  }

  /** @param {Copy} copy @param {number} place */
  async #read(copy, place) {
    try {
      const at = `/copies/${copy.id}`;
      const [seen, marks, scores] = await Promise.all([call("GET", at), call("GET", `${at}/annotations`), call("GET", `${at}/scores`)]);
      const side = { copy, revision: seen.paper_revision, pages: seen.pages, marks: marks.items, remarks: scores.remarks };
      this.sides.value = this.sides.value.map((before, index) => (index === place ? side : before));
      requestAnimationFrame(() => this.#toItem());
    } catch (error) {
      this.problem.value = error;
    }
  }

  /** Each side to its first mark of the question, if it has one. */
  #toItem() {
    for (const column of this.querySelectorAll(".side-copy")) {
      const mark = column.querySelector(`[data-item="${CSS.escape(this.item.value)}"]`);
      (mark ?? column.querySelector("figure"))?.scrollIntoView({ block: mark ? "center" : "start", inline: "nearest" });
    }
  }

  /** @param {number} step */
  #next(step) {
    const at = this.items.findIndex((item) => item.item_id === this.item.value);
    this.#choose(this.items[(at + step + this.items.length) % this.items.length]?.item_id ?? "");
  }

  /** @param {string} item */
  #choose(item) {
    this.item.value = item;
    requestAnimationFrame(() => this.#toItem());
  }

  view() {
    const pressed = (/** @type {KeyboardEvent} */ event) => {
      if (event.target instanceof HTMLSelectElement) return;
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.#next(event.key === "ArrowLeft" ? -1 : 1);
    };
    const step = (/** @type {number} */ by, /** @type {string} */ name, /** @type {string} */ label) =>
      html`<button type="button" class="plain" title=${label} @click=${() => this.#next(by)}>${icon(name)}<span class="unseen">${label}</span></button>`;
    return html`<dialog class="compare" aria-labelledby="compare-title" @close=${() => this.remove()} @keydown=${pressed}>
      <header><h2 id="compare-title">${t("pile.compare.title")}</h2>
        <div class="acts">${step(-1, "chevron-left", t("pile.before"))}
          <label><span class="unseen">${t("stats.item")}</span><select class="input" @change=${(/** @type {any} */ event) => this.#choose(event.target.value)}>
            ${this.items.map((item, index) => html`<option value=${item.item_id} ?selected=${item.item_id === this.item.value}>${index + 1}. ${item.path.join(" · ")}</option>`)}</select></label>
          ${step(1, "chevron-right", t("pile.after"))}</div>
        <button type="button" class="plain" title=${t("pile.close")} @click=${() => this.querySelector("dialog")?.close()}>${icon("x")}<span class="unseen">${t("pile.close")}</span></button>
      </header>
      ${this.problem.value ? note(this.problem.value) : nothing}
      <div class="sides">${this.copies.map((copy, place) => this.#side(copy, this.sides.value[place] ?? null))}</div>
    </dialog>`;
  }

  /** @param {Copy} copy @param {Side | null} side */
  #side(copy, side) {
    const item = this.items.find((each) => each.item_id === this.item.value);
    const score = copy.scores[this.item.value];
    const remark = side?.remarks[this.item.value];
    return html`<section class="side-copy" aria-label=${t("copy.title", { id: copy.anonymous_id })}>
      <header><a class="code" href="/copies/${copy.id}/mark?item=${encodeURIComponent(this.item.value)}">${copy.anonymous_id}</a>
        ${copy.marker ? html`<span class="quiet small">${copy.marker}</span>` : nothing}
        ${item ? html`<span class="given ${score === undefined ? "none" : `b${band(score, item.points)}`}">${score === undefined ? t("pile.none") : html`<b>${points(score)}</b>`} <small>/ ${points(item.points)}</small></span>` : nothing}</header>
      ${remark ? html`<p class="remark">${remark}</p>` : nothing}
      <div class="pages" tabindex="0" role="region" aria-label="${t("copy.pages")} ${copy.anonymous_id}">${side ? side.pages.map((page) => this.#page(side, page)) : html`<p class="quiet" role="status">${t("pile.loading")}</p>`}</div>
    </section>`;
  }

  /** @param {Side} side @param {{page_no: number, width_px: number, height_px: number}} page */
  #page(side, page) {
    const high = (UNITS * page.height_px) / page.width_px;
    const marks = side.marks.filter((mark) => mark.page === page.page_no);
    return html`<figure><img loading="lazy" width=${page.width_px} height=${page.height_px} src="/api/v1/copies/${side.copy.id}/pages/${page.page_no}?size=screen&v=${side.revision}" alt=${t("copy.page", { page: page.page_no })}>
      <svg viewBox="0 0 ${UNITS} ${high}" aria-hidden="true">${marks.map((mark) => this.#mark(mark, high))}</svg></figure>`;
  }

  /** @param {Mark} mark @param {number} high */
  #mark(mark, high) {
    const [x, y, w, h] = [mark.x * UNITS, mark.y * high, mark.w * UNITS, mark.h * high];
    const kind = `mark-${mark.type} ${mark.colour ?? (mark.type === "tick" || mark.type === "bonus" ? "green" : "red")} ${mark.item_id && mark.item_id !== this.item.value ? "other" : ""}`;
    const words = [mark.content, mark.score_delta ? points(mark.score_delta) : ""].filter(Boolean).join(" ");
    const line = (/** @type {[number, number][]} */ stroke) => stroke.map(([px, py], index) => `${index ? "L" : "M"}${px * UNITS} ${py * high}`).join("");
    return svg`<g class=${kind} data-item=${mark.item_id ?? ""}>
      ${mark.type === "pen" ? svg`<path d=${mark.points.map(line).join("")}></path>` : nothing}
      ${["highlight", "bonus", "error"].includes(mark.type) ? svg`<rect x=${x} y=${y} width=${Math.max(w, 4)} height=${Math.max(h, 4)} rx="3"></rect>` : nothing}
      ${mark.type === "tick" ? svg`<path d="M${x} ${y + Math.max(h, 24) / 2}l${Math.max(w, 24) / 3} ${Math.max(h, 24) / 2}l${Math.max(w, 24) / 1.5} ${-Math.max(h, 24)}"></path>` : nothing}
      ${mark.type === "cross" ? svg`<path d="M${x} ${y}l${Math.max(w, 22)} ${Math.max(h, 22)}m0 ${-Math.max(h, 22)}l${-Math.max(w, 22)} ${Math.max(h, 22)}"></path>` : nothing}
      ${words ? svg`<text x=${x} y=${y + (mark.type === "comment" ? 18 : -6)}>${words}</text>` : nothing}
    </g>`;
  }
}

customElements.define("compare-copies", CompareCopies);

/** @param {Copy} left @param {Copy} right @param {Item[]} items @param {string} item the question to begin with */
export function compare(left, right, items, item) {
  const dialog = /** @type {CompareCopies} */ (document.createElement("compare-copies"));
  Object.assign(dialog, { copies: [left, right], items });
  dialog.item.value = item;
  document.body.append(dialog);
  dialog.querySelector("dialog")?.showModal();
}
