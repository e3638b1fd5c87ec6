// @ts-check
/** <answer-sheets exam candidates intake>: prints answer sheets with codes that say where each page belongs. */
import { call } from "../core/api.js";
import { Island, html, icon, live, nothing, preference, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { language, n, t } from "../core/words.js";

const SPARE = 1.1; // copies for those who begin anew or ask for another one
const AGAIN_S = 3;
const TRIES = 10; // a thousand copies take some seconds to draw; asked again they are made

class AnswerSheets extends Island {
  exam = /** @type {string} */ (this.getAttribute("exam"));
  wishes = preference(`sheets.${this.exam}`, {
    copies: Math.min(1000, Math.ceil(Number(this.getAttribute("candidates")) * SPARE) || 30),
    pages: 4, layout: this.getAttribute("intake") ?? "a4", paper: "ruled", batch: 1,
  });
  state = signal(/** @type {"ready"|"making"|"made"} */ ("ready"));
  told = signal(/** @type {Element|null} */ (null));

  get #path() {
    const wishes = Object.entries({ ...this.wishes.value, language }).map(([name, value]) => [name, String(value)]);
    return `/exams/${this.exam}/sheets.pdf?${new URLSearchParams(wishes)}`;
  }

  /** @param {string} name  @param {string|number} value */
  #wish(name, value) {
    this.wishes.value = { ...this.wishes.value, [name]: value };
    this.state.value = "ready";
  }

  /** @param {SubmitEvent} event */
  async #make(event) {
    event.preventDefault();
    this.state.value = "making";
    this.told.value = null;
    try {
      await this.#asked();
      this.state.value = "made";
    } catch (error) {
      this.told.value = note(error);
      this.state.value = "ready";
    }
  }

  /** Until the document is there. HEAD is enough: it is kept, and opened by its own address. */
  async #asked() {
    for (let tries = 1; ; tries += 1) {
      const answer = await fetch(`/api/v1${this.#path}`, { method: "HEAD" }).catch(() => null);
      if (answer?.ok) return;
      if (answer?.status !== 503 || tries === TRIES) await call("GET", this.#path); // throws what is wrong, in words
      await new Promise((resume) => setTimeout(resume, AGAIN_S * 1000));
    }
  }

  open() {
    /** @type {HTMLDialogElement} */ (this.querySelector("dialog")).showModal();
  }

  view() {
    const { copies, pages, layout, paper, batch } = this.wishes.value;
    const sheets = Math.ceil(pages / (layout === "a3" ? 4 : 2)) * copies;
    return html`<button class="button" type="button" @click=${() => this.open()}>
        ${icon("printer")}${t("sheets.open")}</button>
      <dialog class="sheets-dialog" aria-labelledby="sheets-title"><h2 id="sheets-title">${t("sheets.title")}</h2>
      <p class="quiet">${t("sheets.lead")}</p>
      <form class="fields" @submit=${(/** @type {SubmitEvent} */ event) => this.#make(event)}>
        <div class="columns">${this.#number("copies", copies, 1000)}${this.#number("pages", pages, 64)}</div>
        ${this.#choice("layout", layout, ["a3", "a4"])}
        ${this.#choice("paper", paper, ["ruled", "blank"])}
        ${this.#number("batch", batch, 1000)}
        ${this.told.value}
        <p class="note">${icon("printer")}<span>${n(`sheets.need.${layout}`, sheets)} ${t(`sheets.how.${layout}`)}</span></p>
        ${this.#end()}</form></dialog>`;
  }

  #end() {
    const close = () => /** @type {HTMLDialogElement} */ (this.querySelector("dialog")).close();
    const making = this.state.value === "making";
    const made = this.state.value === "made";
    return html`<div class="acts"><button class="button" type="button" @click=${close}>${t("staging.close")}</button>
        ${made ? html`<a class="button solid" href="/api/v1${this.#path}" target="_blank" rel="noopener">
          ${icon("external-link")}${t("sheets.show")}</a>`
          : html`<button class="button solid" aria-busy=${making ? "true" : nothing}>
            ${t(making ? "sheets.making" : "sheets.make")}</button>`}</div>
      ${made ? html`<p class="quiet small" role="status">${t("sheets.made")}</p>` : nothing}`;
  }

  /** @param {string} name  @param {number} value  @param {number} most */
  #number(name, value, most) {
    const changed = (/** @type {any} */ event) => {
      if (event.target.checkValidity()) this.#wish(name, Number(event.target.value));
    };
    return html`<label class="field"><span>${t(`sheets.${name}`)}</span>
      <input type="number" inputmode="numeric" required min="1" max=${most} .value=${live(String(value))}
        @change=${changed}><small>${t(`sheets.${name}.hint`)}</small></label>`;
  }

  /** @param {string} name  @param {string} value  @param {string[]} choices */
  #choice(name, value, choices) {
    return html`<fieldset class="choices"><legend>${t(`sheets.${name}`)}</legend>
      <div class="columns">${choices.map((each) => html`<label class="choice">
        <input type="radio" name=${name} value=${each} .checked=${live(value === each)}
          @change=${() => this.#wish(name, each)}>
        <span><b>${t(`sheets.${name}.${each}`)}</b><small>${t(`sheets.${name}.${each}.hint`)}</small></span>
      </label>`)}</div></fieldset>`;
  }
}

customElements.define("answer-sheets", AnswerSheets);
