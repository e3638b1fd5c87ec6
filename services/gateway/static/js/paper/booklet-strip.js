// @ts-check
/** <booklet-strip .desk .booklet>: one booklet of the desk as a strip of its pages, with its doubts in words. */
import { Island, computed, html, icon, live, nothing, repeat, signal } from "../core/island.js";
import { known, t } from "../core/words.js";
import { standing } from "./pile.js";

/** @typedef {import("./pile.js").Booklet} Booklet  @typedef {import("./pile.js").StagedPage} StagedPage */

/** Of hundreds of booklets those are drawn that one is about to see; once drawn they stay. */
const eye = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) /** @type {BookletStrip} */ (target).show();
  },
  { rootMargin: "900px 0px" },
);

class BookletStrip extends Island {
  #near = signal(false);
  #booklet = signal(/** @type {Booklet|null} */ (null));
  /** @type {any} the <staging-desk> this stands on */
  desk = null;

  set booklet(/** @type {Booklet} */ booklet) {
    this.#booklet.value = booklet;
  }

  // A text, so that a selection elsewhere leaves this strip alone.
  picked = computed(() => (this.#booklet.value?.pages ?? []).map((page) => page.id).filter((id) => this.desk.pile.selected.value.has(id)).join(" "));
  number = computed(() => this.desk.pile.numbers.value.get(this.#booklet.value?.id));
  file = computed(() => (this.desk.pile.files.value.size > 1 ? this.desk.pile.files.value.get(this.#booklet.value?.upload_id) ?? "" : ""));

  setup() {
    if (!this.#near.value) eye.observe(this);
  }

  teardown() {
    eye.unobserve(this);
  }

  show() {
    eye.unobserve(this);
    this.#near.value = true;
  }

  view() {
    const booklet = this.#booklet.value;
    if (!booklet) return nothing;
    if (!this.#near.value) return html`<article class="staged" id="booklet-${booklet.id}"><h2>${t("booklet.title", { position: this.number.value ?? "" })}</h2></article>`;
    const stands = standing(booklet);
    const picked = new Set(this.picked.value.split(" "));
    const count = booklet.pages.filter((page) => picked.has(page.id)).length;
    const name = t("booklet.title", { position: this.number.value ?? "" });
    const open = stands === "doubtful" || stands === "certain";
    return html`<article class="staged ${stands}" id="booklet-${booklet.id}" aria-label=${name}>
      <header>
        <label class="pick"><input type="checkbox" .checked=${live(count === booklet.pages.length)} .indeterminate=${count > 0 && count < booklet.pages.length}
          ?disabled=${Boolean(booklet.copy_id)} @change=${() => this.desk.pickBooklet(booklet)}><h2>${name}</h2></label>
        <p class="quiet small">${this.file.value ? t("booklet.side", { file: this.file.value, side: booklet.first_side }) : t("booklet.starts", { side: booklet.first_side })}</p>
        ${stands === "doubtful" ? html`<ul class="doubts">${booklet.doubts.map((code) => html`<li>${icon("triangle-alert")}${known(`doubt.${code}`, code)}</li>`)}</ul>` : html`<p class="state ${stands === "stapled" ? "graded" : ""}">${t(`booklet.${stands}`)}</p>`}
        <div class="acts">
          ${stands === "doubtful" ? this.#act("staging.approve", () => this.desk.pile.approve([booklet.id]), "check", name) : nothing}
          ${stands === "certain" ? this.#act("staging.staple", () => this.desk.pile.staple([booklet.id]), "paperclip", name) : nothing}
          ${open ? this.#act("staging.aside", () => this.desk.pile.setAside([booklet.id], true), "archive", name) : nothing}
          ${stands === "aside" ? this.#act("staging.take_back", () => this.desk.pile.setAside([booklet.id], false), "undo-2", name) : nothing}
          ${booklet.copy_id ? html`<a class="button small" href="/copies/${booklet.copy_id}">${t("staging.copy")}<span class="unseen"> ${name}</span></a>` : nothing}
        </div>
      </header>
      <ol class="leaves" data-booklet=${booklet.id}>${repeat(booklet.pages, (page) => page.id, (page, at) => this.#leaf(booklet, page, at, picked.has(page.id)))}</ol>
    </article>`;
  }

  /** @param {string} word  @param {() => Promise<any>} act  @param {string} picture  @param {string} name */
  #act(word, act, picture, name) {
    return html`<button class="button small" type="button" @click=${() => this.desk.attempt(act)}>${icon(picture)}${t(word)}<span class="unseen"> ${name}</span></button>`;
  }

  /** @param {Booklet} booklet  @param {StagedPage} page  @param {number} at  @param {boolean} picked */
  #leaf(booklet, page, at, picked) {
    const label = [
      t("booklet.page", { page: at + 1, side: page.side_no }),
      page.half !== "whole" && t(`report.half.${page.half}`), page.blank && t("booklet.blank"),
      page.has_header && t("booklet.header"), page.dropped && t("booklet.dropped"),
    ].filter(Boolean).join(", ");
    const shown = ["leaf", page.dropped && "dropped", page.blank && "blank", picked && "picked", page.has_header && "headed"].filter(Boolean).join(" ");
    return html`<li class=${shown}>
      ${at > 0 && !booklet.copy_id && !booklet.set_aside ? html`<button class="cut" type="button" tabindex="-1" title=${t("staging.cut_before", { page: at + 1 })} aria-label=${t("staging.cut_before", { page: at + 1 })}
        @click=${() => this.desk.attempt(() => this.desk.pile.split(page.id))}>${icon("scissors")}</button>` : nothing}
      <button class="page" type="button" tabindex="-1" data-page=${page.id} aria-pressed=${picked ? "true" : "false"} aria-label=${label}>
        <img class="turned-${page.turn_deg}" src=${page.thumb.href} width=${page.thumb.width_px} height=${page.thumb.height_px} loading="lazy" decoding="async" draggable="false" alt=""></button>
      <span class="no" aria-hidden="true">${page.dropped ? t("booklet.dropped") : at + 1}${page.has_header ? icon("id-card") : nothing}</span></li>`;
  }
}

customElements.define("booklet-strip", BookletStrip);
