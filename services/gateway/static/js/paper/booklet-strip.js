// @ts-check
/** <booklet-strip .desk .booklet>: one booklet of the desk as a strip of its pages, with its doubts in words. */
import { Island, computed, html, icon, live, nothing, repeat, signal } from "../core/island.js";
import { known, t } from "../core/words.js";
import { standing } from "./pile.js";

/** @typedef {import("./pile.js").Booklet} Booklet  @typedef {import("./pile.js").StagedPage} StagedPage */

class BookletStrip extends Island {
  #near = signal(false);
  #booklet = signal(/** @type {Booklet|null} */ (null));
  /** @type {any} the <staging-desk> this stands on */
  desk = null;

  set booklet(/** @type {Booklet} */ booklet) {
    this.#booklet.value = booklet;
  }

  // A text, so that a selection elsewhere leaves this strip alone.
  picked = computed(() => {
    const selected = this.desk.pile.selected.value;
    return (this.#booklet.value?.pages ?? []).map((page) => page.id).filter((id) => selected.has(id)).join(" ");
  });
  number = computed(() => this.desk.pile.numbers.value.get(this.#booklet.value?.id));
  file = computed(() => {
    const files = this.desk.pile.files.value;
    return files.size > 1 ? files.get(this.#booklet.value?.upload_id) ?? "" : "";
  });

  /** Of hundreds of booklets those are drawn that one is about to see; once drawn they stay. */
  setup() {
    if (!("oncontentvisibilityautostatechange" in this)) return this.show();
    this.addEventListener("contentvisibilityautostatechange", (event) => {
      if (!/** @type {any} */ (event).skipped) this.show();
    });
  }

  show() {
    this.#near.value = true;
  }

  view() {
    const booklet = this.#booklet.value;
    if (!booklet) return nothing;
    const name = t("booklet.title", { position: this.number.value ?? "" });
    const id = `booklet-${booklet.id}`;
    if (!this.#near.value) return html`<article class="staged" id=${id}><h2>${name}</h2></article>`;
    const picked = new Set(this.picked.value.split(" "));
    return html`<article class="staged ${standing(booklet)}" id=${id} aria-label=${name}>
      ${this.#header(booklet, name, booklet.pages.filter((page) => picked.has(page.id)).length)}
      <ol class="leaves" data-booklet=${booklet.id}>
        ${repeat(booklet.pages, (page) => page.id, (page, at) => this.#leaf(booklet, page, at, picked.has(page.id)))}</ol>
    </article>`;
  }

  /** @param {Booklet} booklet  @param {string} name  @param {number} count of its pages that are selected */
  #header(booklet, name, count) {
    const stands = standing(booklet);
    const file = this.file.value;
    const side = booklet.first_side;
    return html`<header>
      <label class="pick"><input type="checkbox" .checked=${live(count === booklet.pages.length)}
        .indeterminate=${count > 0 && count < booklet.pages.length} ?disabled=${Boolean(booklet.copy_id)}
        @change=${() => this.desk.pickBooklet(booklet)}><h2>${name}</h2></label>
      <p class="quiet small">${file ? t("booklet.side", { file, side }) : t("booklet.starts", { side })}</p>
      ${stands === "doubtful" ? html`<ul class="doubts">${booklet.doubts.map((code) => html`
        <li>${icon("triangle-alert")}${known(`doubt.${code}`, code)}</li>`)}</ul>`
        : html`<p class="state ${stands === "stapled" ? "graded" : ""}">${t(`booklet.${stands}`)}</p>`}
      <div class="acts">${this.#acts(booklet, stands, name)}</div></header>`;
  }

  /** @param {Booklet} booklet  @param {import("./pile.js").Standing} stands  @param {string} name */
  #acts({ id, copy_id }, stands, name) {
    const { pile } = this.desk;
    const unseen = html`<span class="unseen"> ${name}</span>`;
    if (stands === "stapled") {
      return html`<a class="button small" href="/copies/${copy_id}">${t("staging.copy")}${unseen}</a>`;
    }
    const act = (/** @type {string} */ word, /** @type {string} */ picture, /** @type {() => Promise<any>} */ run) =>
      html`<button class="button small" type="button" @click=${() => this.desk.attempt(run)}>
        ${icon(picture)}${t(word)}${unseen}</button>`;
    if (stands === "aside") return act("staging.take_back", "undo-2", () => pile.setAside([id], false));
    return html`${stands === "doubtful" ? act("staging.approve", "check", () => pile.approve([id]))
      : act("staging.staple", "paperclip", () => pile.staple([id]))}
      ${act("staging.aside", "archive", () => pile.setAside([id], true))}`;
  }

  /** @param {Booklet} booklet  @param {StagedPage} page  @param {number} at  @param {boolean} picked */
  #leaf(booklet, page, at, picked) {
    const label = [
      t("booklet.page", { page: at + 1, side: page.side_no }),
      page.half !== "whole" && t(`report.half.${page.half}`),
      page.blank && t("booklet.blank"),
      page.has_header && t("booklet.header"),
      page.dropped && t("booklet.dropped"),
    ];
    const shown = ["leaf", page.dropped && "dropped", page.blank && "blank", picked && "picked"];
    const { href, width_px, height_px } = page.thumb;
    return html`<li class=${shown.filter(Boolean).join(" ")}>
      ${at > 0 && !booklet.copy_id && !booklet.set_aside ? this.#cut(page.id, at + 1) : nothing}
      <button class="page" type="button" tabindex="-1" data-page=${page.id} aria-pressed=${picked ? "true" : "false"}
        aria-label=${label.filter(Boolean).join(", ")}><img class="turned-${page.turn_deg}" src=${href}
        width=${width_px} height=${height_px} loading="lazy" decoding="async" draggable="false" alt=""></button>
      <span class="no" aria-hidden="true">
        ${page.dropped ? t("booklet.dropped") : at + 1}${page.has_header ? icon("id-card") : nothing}</span></li>`;
  }

  /** @param {string} id of the page  @param {number} page where it stands */
  #cut(id, page) {
    const words = t("staging.cut_before", { page });
    return html`<button class="cut" type="button" tabindex="-1" title=${words} aria-label=${words}
      @click=${() => this.desk.attempt(() => this.desk.pile.split(id))}>${icon("scissors")}</button>`;
  }
}

customElements.define("booklet-strip", BookletStrip);
