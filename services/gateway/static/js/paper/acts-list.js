// @ts-check
/** <acts-list .desk>: what was done to the booklets, by whom, each to be undone as long as nothing depends on it. */
import { Island, html, icon, nothing, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { known, localMoment, n, t } from "../core/words.js";

class ActsList extends Island {
  /** @type {any} the <staging-desk> */
  desk = null;
  #acts = signal(/** @type {import("./pile.js").Act[]|null} */ (null));
  #told = signal(/** @type {Element|null} */ (null));

  async open() {
    /** @type {HTMLDialogElement} */ (this.querySelector("dialog")).showModal();
    await this.#load();
  }

  async #load() {
    try {
      this.#acts.value = (await this.desk.pile.acts()).items;
      this.#told.value = null;
    } catch (error) {
      this.#told.value = note(error);
    }
  }

  /** @param {string} id */
  async #undo(id) {
    await this.desk.undo(id);
    await this.#load();
  }

  view() {
    const acts = this.#acts.value ?? [];
    return html`<dialog class="history" aria-labelledby="acts-title">
      <header><h2 id="acts-title">${t("staging.acts")}</h2>
        <form method="dialog"><button class="plain" title=${t("staging.close")} aria-label=${t("staging.close")}>
          ${icon("x")}</button></form></header>
      ${this.#told.value}
      ${this.#acts.value && !acts.length ? html`<p class="quiet">${t("staging.acts.none")}</p>` : nothing}
      <ol class="acts-done">${acts.map((act) => this.#act(act))}</ol></dialog>`;
  }

  /** @param {import("./pile.js").Act} act */
  #act(act) {
    const facts = [n("staging.booklets", act.booklet_ids.length), act.done_by_name, localMoment(act.done_at)];
    return html`<li class=${act.undone_at ? "undone" : ""}>
      <div><b>${known(`staging.act.${act.kind}`, act.kind)}</b>
        <p class="quiet small">${facts.filter(Boolean).join(" · ")}</p></div>
      ${act.undone_at ? html`<span class="quiet small">${t("staging.acts.undone")}</span>`
        : html`<button class="button small" type="button" @click=${() => this.#undo(act.id)}>${t("staging.undo")}</button>`}
    </li>`;
  }
}

customElements.define("acts-list", ActsList);
