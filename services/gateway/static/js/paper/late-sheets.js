// @ts-check
/** <late-sheets .desk>: choose the copy to which late sheets belong, by its number or by its candidate's name. */
import { all } from "../core/api.js";
import { Island, html, icon, nothing, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { folded, n, t } from "../core/words.js";

const SHOWN = 30;

class LateSheets extends Island {
  /** @type {any} the <staging-desk> */
  desk = null;
  #booklets = signal(/** @type {string[]} */ ([]));
  #copies = signal(/** @type {{id: string, anonymous_id: string, name: string}[]|null} */ (null));
  #typed = signal("");
  #told = signal(/** @type {Element|null} */ (null));

  /** @param {string[]} booklets */
  async open(booklets) {
    this.#booklets.value = booklets;
    this.#told.value = null;
    /** @type {HTMLDialogElement} */ (this.querySelector("dialog")).showModal();
    try {
      const exam = `/exams/${this.desk.exam}`;
      const [copies, candidates] = await Promise.all([all(`${exam}/copies`), all(`${exam}/candidates`)]);
      const names = new Map();
      for (const each of candidates) names.set(each.id, `${each.last_name} ${each.first_name}`);
      this.#copies.value = copies.map((/** @type {any} */ { id, anonymous_id, candidate_id }) =>
        ({ id, anonymous_id, name: names.get(candidate_id) ?? "" }));
    } catch (error) {
      this.#told.value = note(error);
    }
  }

  /** @param {{id: string, anonymous_id: string}} copy */
  async #join(copy) {
    try {
      await this.desk.pile.join(copy.id, this.#booklets.value);
      /** @type {HTMLDialogElement} */ (this.querySelector("dialog")).close();
      say(t("staging.joined", { copy: copy.anonymous_id }));
    } catch (error) {
      this.#told.value = note(error);
    }
  }

  view() {
    const wanted = folded(this.#typed.value);
    const copies = this.#copies.value ?? [];
    const found = copies.filter((each) => folded(`${each.anonymous_id} ${each.name}`).includes(wanted));
    return html`<dialog class="late" aria-labelledby="late-title"><h2 id="late-title">${t("staging.join.title")}</h2>
      <p class="quiet">${n("staging.join.lead", this.#booklets.value.length)}</p>
      <div class="find">${icon("search")}<input type="search" aria-label=${t("staging.join.find")}
        placeholder=${t("staging.join.find")}
        @input=${(/** @type {any} */ event) => { this.#typed.value = event.target.value; }}></div>
      ${this.#told.value}
      <ul class="found">${found.slice(0, SHOWN).map((each) => html`<li>
        <button type="button" @click=${() => this.#join(each)}><b class="code">${each.anonymous_id}</b>
          <span>${each.name || t("staging.join.nameless")}</span></button></li>`)}</ul>
      ${this.#copies.value && !found.length ? html`<p class="quiet">${t("staging.join.none")}</p>` : nothing}
      <form method="dialog" class="acts"><button class="button">${t("act.cancel")}</button></form></dialog>`;
  }
}

customElements.define("late-sheets", LateSheets);
