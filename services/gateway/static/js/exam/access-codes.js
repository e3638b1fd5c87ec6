// @ts-check
/** <access-codes exam exam-title>: makes codes and shows them once, as slips to cut or letters to hand out. */
import { acting } from "../core/acting.js";
import { call } from "../core/api.js";
import { confirmed } from "../core/dialog.js";
import { Island, html, icon, nothing, preference, signal } from "../core/island.js";
import { n, t } from "../core/words.js";

/** @typedef {{candidate_id: string, last_name: string, first_name: string, class: string, code: string}} Code */

class AccessCodes extends Island {
  codes = signal(/** @type {Code[] | null} */ (null));
  told = signal(/** @type {unknown} */ (nothing));
  busy = signal(false);
  letters = preference("codes.letters", false);
  exam = "";
  title = "";

  setup() {
    this.exam = this.getAttribute("exam") ?? "";
    this.title = this.getAttribute("exam-title") ?? "";
    this.leaving = (/** @type {BeforeUnloadEvent} */ event) => {
      if (this.codes.value?.length) event.preventDefault(); // they are never shown again
    };
    addEventListener("beforeunload", this.leaving);
  }

  teardown() {
    if (this.leaving) removeEventListener("beforeunload", this.leaving);
  }

  /** @param {boolean} onlyMissing */
  async #make(onlyMissing) {
    if (!onlyMissing && !(await confirmed(t("codes.all.confirm")))) return;
    await acting(this, async () => {
      this.codes.value = (await call("POST", `/exams/${this.exam}/access-codes`, { only_missing: onlyMissing })).items;
    });
  }

  view() {
    const codes = this.codes.value;
    const act = (/** @type {boolean} */ onlyMissing, /** @type {unknown} */ label, /** @type {string} */ kind) =>
      html`<button class="button ${kind}" type="button" ?disabled=${this.busy.value} @click=${() => this.#make(onlyMissing)}>${label}</button>`;
    return html`<section class="panel no-print"><h2>${t("codes.make")}</h2><p class="quiet">${t("codes.lead")}</p>
        <div class="acts">${act(true, html`${icon("access-codes")}${t("codes.missing")}`, "solid")}${act(false, t("codes.all"), "")}</div>
        <div aria-live="polite">${this.told.value}${codes ? this.#outcome(codes) : nothing}</div></section>
      ${codes?.length ? html`<div class=${this.letters.value ? "letters" : "slips"}>${codes.map((code) => (this.letters.value ? this.#letter(code) : this.#slip(code)))}</div>` : nothing}`;
  }

  /** @param {Code[]} codes */
  #outcome(codes) {
    if (!codes.length) return html`<p class="note ok">${icon("check")}<span>${t("codes.none_missing")}</span></p>`;
    const choice = (/** @type {boolean} */ letters, /** @type {string} */ label) =>
      html`<button type="button" class="button small" aria-pressed=${this.letters.value === letters} @click=${() => { this.letters.value = letters; }}>${label}</button>`;
    return html`<p class="note warn">${icon("alert")}<span>${n("codes.once", codes.length)}</span></p>
      <div class="acts"><div class="acts" role="group" aria-label=${t("codes.as")}>${choice(false, t("codes.slips"))}${choice(true, t("codes.letters"))}</div>
        <button class="button solid" type="button" @click=${() => print()}>${icon("print")}${t("codes.print")}</button></div>`;
  }

  /** @param {Code} code */
  #slip(code) {
    return html`<article class="slip"><b>${code.last_name} ${code.first_name}</b><small class="quiet">${[code.class, this.title].filter(Boolean).join(" · ")}</small>
      <span class="secret code">${code.code}</span><small class="quiet">${t("codes.where", { address: `${location.origin}/candidate` })}</small></article>`;
  }

  /** @param {Code} code */
  #letter(code) {
    return html`<article class="letter"><header><b>${code.last_name} ${code.first_name}</b><span>${code.class}</span></header>
      <h2>${t("codes.letter.subject", { title: this.title })}</h2><p>${t("codes.letter.lead")}</p>
      <p class="secret code">${code.code}</p><p>${t("codes.where", { address: `${location.origin}/candidate` })}</p><p class="quiet">${t("codes.letter.secret")}</p></article>`;
  }
}

customElements.define("access-codes", AccessCodes);
