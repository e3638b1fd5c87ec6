// @ts-check
/** <page-zoom .desk>: one page as large as one likes, turned or dropped from here, the next one by arrow. */
import { Island, html, icon, nothing, signal } from "../core/island.js";
import { t } from "../core/words.js";

const STEPS = [1, 1.5, 2, 3, 4];

class PageZoom extends Island {
  /** @type {any} the <staging-desk> */
  desk = null;
  #page = signal(/** @type {string|null} */ (null));
  #step = signal(0);

  /** @param {string} page */
  open(page) {
    this.#page.value = page;
    this.#step.value = 0;
    const dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    if (!dialog.open) dialog.showModal();
  }

  get #pages() {
    return this.desk.shown.value.flatMap((/** @type {any} */ each) => each.pages);
  }

  /** @param {number} by */
  #go(by) {
    const pages = this.#pages;
    const at = pages.findIndex((/** @type {any} */ page) => page.id === this.#page.value) + by;
    if (pages[at]) this.#page.value = pages[at].id;
  }

  /** @param {number} by */
  #zoom(by) {
    this.#step.value = Math.max(0, Math.min(STEPS.length - 1, this.#step.value + by));
    const stage = /** @type {HTMLElement|null} */ (this.querySelector(".stage"));
    stage?.style.setProperty("--zoom", String(STEPS[this.#step.value]));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowLeft: () => this.#go(-1), ArrowRight: () => this.#go(1), "+": () => this.#zoom(1), "-": () => this.#zoom(-1),
      r: () => this.#turn(90), R: () => this.#turn(270), Delete: () => this.#drop(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** @param {90|270} degrees */
  #turn(degrees) {
    this.desk.attempt(() => this.desk.pile.turn(new Set([this.#page.value]), degrees));
  }

  #drop() {
    const page = this.#pages.find((/** @type {any} */ each) => each.id === this.#page.value);
    this.desk.attempt(() => this.desk.pile.drop(new Set([page.id]), !page.dropped));
  }

  #closed() {
    const page = this.#page.value;
    this.#page.value = null;
    if (page) this.desk.focusPage(page);
  }

  view() {
    const pages = this.#pages;
    const at = pages.findIndex((/** @type {any} */ each) => each.id === this.#page.value);
    return html`<dialog class="zoom" aria-labelledby="zoom-title" @close=${() => this.#closed()}
      @keydown=${(/** @type {KeyboardEvent} */ event) => this.#key(event)}>
      ${pages[at] ? this.#shown(pages[at], at === 0, at === pages.length - 1) : nothing}</dialog>`;
  }

  /** @param {import("./pile.js").StagedPage} page  @param {boolean} first  @param {boolean} last */
  #shown(page, first, last) {
    const booklet = this.desk.pile.bookletOf(page.id);
    const frozen = Boolean(booklet.copy_id || booklet.set_aside);
    const position = this.desk.pile.numbers.value.get(booklet.id);
    const name = t("booklet.page", { page: page.page_no, side: page.side_no });
    const close = () => /** @type {HTMLDialogElement} */ (this.querySelector("dialog")).close();
    const drop = page.dropped ? ["undo-2", "staging.restore"] : ["trash-2", "staging.drop"];
    const { href, width_px, height_px } = page.screen;
    return html`<header><h2 id="zoom-title">${t("booklet.title", { position })} · ${name}</h2>
      <div class="acts">
        ${this.#button("rotate-ccw", "staging.turn_left", () => this.#turn(270), frozen)}
        ${this.#button("rotate-cw", "staging.turn_right", () => this.#turn(90), frozen)}
        ${this.#button(drop[0], drop[1], () => this.#drop(), frozen)}
        ${this.#button("zoom-out", "staging.zoom_out", () => this.#zoom(-1), this.#step.value === 0)}
        ${this.#button("zoom-in", "staging.zoom_in", () => this.#zoom(1), this.#step.value === STEPS.length - 1)}
        ${this.#button("x", "staging.close", close, false)}</div></header>
      <div class="stage" tabindex="0"><img class="turned-${page.turn_deg} ${page.dropped ? "dropped" : ""}"
        src=${href} width=${width_px} height=${height_px} alt=${name}></div>
      ${this.#button("chevron-left", "staging.previous", () => this.#go(-1), first, "previous")}
      ${this.#button("chevron-right", "staging.following", () => this.#go(1), last, "following")}`;
  }

  /** @param {string} picture  @param {string} word  @param {() => void} act  @param {boolean} off */
  #button(picture, word, act, off, place = "") {
    return html`<button class="plain ${place}" type="button" title=${t(word)} aria-label=${t(word)} ?disabled=${off}
      @click=${act}>${icon(picture)}</button>`;
  }
}

customElements.define("page-zoom", PageZoom);
