// @ts-check
/** A dialogue that asks for a few words and sends them; what goes wrong is told in it, and the words stay. */
import { Island, html, nothing, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { t } from "../core/words.js";

/**
 * @typedef {{title: string, lead?: string, label: string, text?: string, limit: number, act: string,
 *   send: (text: string) => Promise<void>, other?: {act: string, send: () => Promise<void>}}} Question
 */

class AskText extends Island {
  question = /** @type {Question} */ (/** @type {unknown} */ (null));
  busy = signal(false);
  problem = signal(/** @type {unknown} */ (null));

  /** @param {() => Promise<void>} send */
  async #send(send) {
    this.busy.value = true;
    try {
      await send();
      this.querySelector("dialog")?.close();
    } catch (error) {
      this.problem.value = error;
      this.busy.value = false;
    }
  }

  view() {
    const { title, lead, label, text, limit, act, send, other } = this.question;
    const submitted = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#send(() => send(this.querySelector("textarea")?.value.trim() ?? ""));
    };
    return html`<dialog aria-labelledby="ask-title" @close=${() => this.remove()}>
      <form class="fields" @submit=${submitted}>
        <h2 id="ask-title">${title}</h2>
        ${lead ? html`<p class="quiet">${lead}</p>` : nothing}
        ${this.problem.value ? note(this.problem.value) : nothing}
        <label class="field"><span>${label}</span><textarea class="input" rows="3" maxlength=${limit} .value=${text ?? ""}></textarea></label>
        <div class="acts">
          ${other ? html`<button type="button" class="button danger" ?disabled=${this.busy.value} @click=${() => this.#send(other.send)}>${other.act}</button>` : nothing}
          <button type="button" class="button" @click=${() => this.querySelector("dialog")?.close()}>${t("act.cancel")}</button>
          <button class="button solid" ?disabled=${this.busy.value}>${act}</button>
        </div>
      </form>
    </dialog>`;
  }
}

customElements.define("ask-text", AskText);

/** @param {Question} question */
export function askText(question) {
  const asked = /** @type {AskText} */ (document.createElement("ask-text"));
  asked.question = question;
  document.body.append(asked);
  asked.querySelector("dialog")?.showModal();
}
