// @ts-check
/** <scheme-comments exam item>: the official comments of one question, that every marker finds at hand. */
import { call } from "../core/api.js";
import { Island, html, icon, nothing, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { points, t } from "../core/words.js";

/** @typedef {{id: string, text: string, points: string | null, official: boolean, item_id: string | null, uses: number, version: number}} Comment */

class SchemeComments extends Island {
  comments = signal(/** @type {Comment[] | null} */ (null));
  told = signal(/** @type {unknown} */ (nothing));

  get path() {
    return `/exams/${this.getAttribute("exam")}/comments`;
  }

  setup() {
    this.try(async () => {
      const { items } = await call("GET", `${this.path}?item_id=${encodeURIComponent(this.getAttribute("item") ?? "")}`);
      this.comments.value = items.filter((/** @type {Comment} */ each) => each.official && each.item_id);
    });
  }

  /** @param {() => Promise<void>} act */
  async try(act) {
    this.told.value = nothing;
    try {
      await act();
    } catch (error) {
      this.told.value = note(error);
    }
  }

  view() {
    const found = this.comments.value;
    return html`<div class="comments"><h2>${t("scheme.comments")}</h2>
      ${found?.length ? html`<ul>${found.map((each) => html`<li><span>${each.text}</span>${each.points ? html`<b>${points(each.points)}</b>` : nothing}
        <button class="plain" type="button" title=${t("scheme.comments.remove")} @click=${() => this.drop(each)}>${icon("trash")}<span class="unseen">${t("scheme.comments.remove")} ${each.text}</span></button></li>`)}</ul>`
        : html`<p class="quiet small">${t("scheme.comments.none")}</p>`}
      ${this.told.value}
      <form @submit=${(/** @type {SubmitEvent} */ event) => this.add(event)}>
        <input class="input" name="text" maxlength="500" required aria-label=${t("scheme.comments.text")} placeholder=${t("scheme.comments.text")}>
        <input class="input" name="points" inputmode="decimal" aria-label=${t("scheme.comments.points")} placeholder="−0,5">
        <button class="button small">${icon("plus")}${t("scheme.comments.add")}</button>
      </form></div>`;
  }

  /** @param {SubmitEvent} event */
  add(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const said = Object.fromEntries(new FormData(form));
    const worth = String(said.points).trim().replace(",", ".").replace("−", "-");
    this.try(async () => {
      const made = await call("POST", this.path, {
        item_id: this.getAttribute("item"), text: String(said.text).trim(), official: true, ...(worth ? { points: worth } : {}),
      });
      this.comments.value = [...(this.comments.value ?? []), made];
      form.reset();
    });
  }

  /** @param {Comment} comment */
  drop(comment) {
    this.try(async () => {
      await call("DELETE", `/comments/${comment.id}?version=${comment.version}`);
      this.comments.value = (this.comments.value ?? []).filter((each) => each.id !== comment.id);
    });
  }
}

customElements.define("scheme-comments", SchemeComments);
