// @ts-check
/** <finish-card>: what is missing before a copy can be finished. A dialogue; a complete copy never sees it. */
import { Island, html, nothing } from "../core/island.js";
import { n, t } from "../core/words.js";
import { shown } from "./amounts.js";
import { name } from "./panel.js";
import * as S from "./store.js";

class FinishCard extends Island {
  get dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  open() {
    this.dialog.showModal();
  }

  /** @param {string} item */
  go(item) {
    this.dialog.close();
    S.active.value = "";
    S.active.value = item;
  }

  nought() {
    const missing = S.unmarked.peek();
    this.dialog.close();
    S.perform(missing.map((item) => ({ do: "score", item_id: item.id, score: "0" })));
  }

  view() {
    const missing = S.unmarked.value;
    if (!S.desk.value) return nothing;
    return html`<dialog class="finish" aria-labelledby="finish-title"><h2 id="finish-title">${n("desk.missing", missing.length)}</h2>
      <p class="quiet">${t("desk.finish.lead")}</p>
      <ul>${missing.slice(0, 40).map((item) => html`<li><button type="button" @click=${() => this.go(item.id)}><span>${name(item)}</span><span class="quiet">/ ${shown(item.most)}</span></button></li>`)}</ul>
      <div class="acts"><button type="button" class="button" @click=${() => this.nought()}>${n("desk.finish.nought", missing.length)}</button>
        <button type="button" class="button solid" autofocus @click=${() => this.go(missing[0]?.id ?? "")}>${t("desk.finish.go")} <kbd>↵</kbd></button></div></dialog>`;
  }
}

customElements.define("finish-card", FinishCard);
