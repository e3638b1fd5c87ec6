// @ts-check
/** <new-token>: a name, and then the secret, which nobody will ever see again. */
import { call } from "../core/api.js";
import { Island, html, icon, nothing, signal } from "../core/island.js";
import { tellForm } from "../core/problem.js";
import { say } from "../core/toast.js";
import { t } from "../core/words.js";

class NewToken extends Island {
  secret = signal("");

  view() {
    return this.secret.value ? this.#shown(this.secret.value) : this.#asked();
  }

  #asked() {
    return html`<form class="fields in-line" @submit=${this.#make}>
      <label class="field"><span>${t("account.tokens.name")}</span>
        <input name="name" maxlength="100" required autocomplete="off" placeholder=${t("account.tokens.example")}>
      </label>
      <button class="button">${icon("plus")}${t("account.tokens.create")}</button>
    </form>`;
  }

  /** @param {string} secret */
  #shown(secret) {
    const copy = async () => {
      await navigator.clipboard.writeText(secret);
      say(t("account.tokens.copied"));
    };
    return html`<div class="note ok shown-once" role="status">
      ${icon("access-codes")}
      <div>
        <p><b>${t("account.tokens.once")}</b></p>
        <p><code class="secret">${secret}</code></p>
        <p class="acts">
          ${"clipboard" in navigator
            ? html`<button class="button small" @click=${copy}>${icon("copy")}${t("account.tokens.copy")}</button>`
            : nothing}
          <button class="button small" @click=${() => location.reload()}>${t("account.tokens.kept")}</button>
        </p>
      </div>
    </div>`;
  }

  /** @param {SubmitEvent} event */
  #make = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    try {
      const made = await call("POST", "/tokens", { name: String(new FormData(form).get("name")).trim() });
      this.secret.value = made.secret;
    } catch (error) {
      tellForm(form, error);
    }
  };
}

customElements.define("new-token", NewToken);
