// @ts-check
/** <copy-peek>: another of one's copies beside the one being marked, to compare. Nothing can be changed in it. */
import { call } from "../core/api.js";
import { Island, html, icon, nothing, signal, styled } from "../core/island.js";
import { note } from "../core/problem.js";
import { t } from "../core/words.js";
import { read, shown } from "./amounts.js";
import { colourOf, inside, noteAt, noted, placed, still } from "./drawing.js";
import { copies } from "./pile.js";
import * as S from "./store.js";

class CopyPeek extends Island {
  seen = signal(/** @type {any} */ (null));
  fault = signal(/** @type {unknown} */ (null));
  /** @type {Map<string, any>} */
  kept = new Map();

  get others() {
    return copies.value.filter((copy) => copy.id !== S.desk.value?.copy.id);
  }

  setup() {
    const here = copies.peek().findIndex((copy) => copy.id === S.desk.peek()?.copy.id);
    const near = copies.peek()[here - 1] ?? copies.peek()[here + 1];
    if (near) void this.show(near.id);
  }

  /** @param {string} id */
  async show(id) {
    this.fault.value = null;
    try {
      if (!this.kept.has(id)) this.kept.set(id, await call("GET", `/copies/${id}/desk`));
      this.seen.value = this.kept.get(id);
    } catch (error) {
      this.fault.value = error;
    }
  }

  /** @param {-1 | 1} by */
  step(by) {
    const at = this.others.findIndex((copy) => copy.id === this.seen.value?.copy.id);
    const to = this.others[at + by];
    if (to) void this.show(to.id);
  }

  view() {
    const { seen } = this;
    const item = S.itemOf.value.get(S.active.value);
    const score = seen.value && item ? read(seen.value.scores.scores[item.id] ?? "") : null;
    const at = this.others.findIndex((copy) => copy.id === seen.value?.copy.id);
    const turn = (/** @type {string} */ name, /** @type {string} */ picture, /** @type {-1 | 1} */ by) => html`<button type="button" class="plain" title=${t(name)} ?disabled=${!this.others[at + by]}
      @click=${() => this.step(by)}>${icon(picture)}<span class="unseen">${t(name)}</span></button>`;
    return html`<header><div><h2>${t("desk.peek")}</h2><small class="quiet">${t("desk.peek.lead")}</small></div><button type="button" class="plain" title=${t("desk.close")} @click=${() => { S.peeking.value = false; }}>${icon("x")}<span class="unseen">${t("desk.close")}</span></button></header>
      ${this.others.length ? html`<div class="turn">${turn("desk.previous", "chevron-left", -1)}
        <select aria-label=${t("desk.peek")} @change=${(/** @type {Event} */ event) => this.show(/** @type {HTMLSelectElement} */ (event.target).value)}>${this.others.map((copy) => html`<option value=${copy.id} ?selected=${copy.id === seen.value?.copy.id}>${copy.anonymous_id}</option>`)}</select>
        ${turn("desk.next", "chevron-right", 1)}${item && seen.value ? html`<p class="there"><span>${item.code || item.label}</span> <b>${score === null ? "–" : shown(score)}</b> / ${shown(item.most)}</p>` : nothing}</div>`
        : html`<p class="quiet">${t("desk.peek.none")}</p>`}
      ${this.fault.value ? note(this.fault.value) : nothing}
      <div class="scroll-y" tabindex="0" role="region" aria-label=${t("copy.pages")}>${seen.value?.copy.pages.map((/** @type {any} */ page) => this.page(page))}</div>`;
  }

  /** @param {any} page */
  page(page) {
    const { copy, annotations } = this.seen.value;
    const height = (1000 * page.height_px) / page.width_px;
    const marks = annotations.filter((/** @type {any} */ mark) => mark.page === page.page_no);
    return html`<figure class="page"><img src=${`/api/v1/copies/${copy.id}/pages/${page.page_no}?size=screen&v=${copy.paper_revision}`} width=${page.width_px} height=${page.height_px} loading="lazy"
      alt=${t("copy.page_of", { page: page.page_no, pages: copy.page_count })}>${still(marks, height)}<div class="notes">${marks.filter(noted).map((/** @type {any} */ mark) => {
        const corner = noteAt(mark, height);
        return html`<p class=${`said ${mark.type} ${colourOf(mark)}`} ${styled(placed(corner.x, corner.y, height, mark))}>${inside(mark, "")}</p>`;
      })}</div></figure>`;
  }
}

customElements.define("copy-peek", CopyPeek);
