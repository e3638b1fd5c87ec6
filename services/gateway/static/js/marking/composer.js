// @ts-check
/** <comment-composer>: write a comment, or find it in the bank, with the points it explains. Stands on the page. */
import { Island, html, icon, live, nothing, signal, styled } from "../core/island.js";
import { folded, t } from "../core/words.js";
import { decimal, read, shown, signed } from "./amounts.js";
import { keep } from "./bank.js";
import * as S from "./store.js";

/**
 * @typedef {object} Draft
 * @property {number} page
 * @property {number} x  share of the page
 * @property {number} y
 * @property {number} [w] how wide the words may be, in shares of the page
 * @property {string} item
 * @property {string} text
 * @property {number} delta in thousandths
 * @property {string} [comment] the one of the bank it comes from
 * @property {import("./types.js").Annotation} [mark] the one that is written again
 */

/** Comments that hold all the words typed, those of the item first. @param {string} typed @param {string} item */
function matching(typed, item) {
  const words = folded(typed).split(/\s+/).filter(Boolean);
  const own = (/** @type {any} */ each) => (each.item_id === item ? 0 : each.item_id ? 2 : 1);
  return (S.desk.value?.comments ?? [])
    .filter((each) => each.text !== typed && words.every((word) => folded(each.text).includes(word)))
    .sort((a, b) => own(a) - own(b))
    .slice(0, 5);
}

class CommentComposer extends Island {
  chosen = signal(-1); // of the comments found; -1: what is typed
  keeping = signal(false);

  setup() {
    requestAnimationFrame(() => {
      this.querySelector("textarea")?.focus({ preventScroll: true });
      this.querySelector("form")?.scrollIntoView({ block: "nearest" });
    });
  }

  get draft() {
    return /** @type {Draft} */ (S.composer.value);
  }

  get found() {
    return this.draft.mark ? [] : matching(this.draft.text, this.draft.item);
  }

  /** @param {Partial<Draft>} change */
  set(change) {
    S.composer.value = { ...this.draft, ...change };
  }

  /** @param {any} comment of the bank */
  take(comment) {
    this.set({ text: comment.text, delta: read(comment.points ?? "") ?? 0, comment: comment.id });
    this.put();
  }

  put() {
    const { page, x, y, w = 0, item, mark, comment, delta } = this.draft;
    const text = this.draft.text.trim();
    if (!text && !delta) return this.querySelector("textarea")?.focus();
    const said = { content: text, score_delta: delta ? decimal(delta) : null, item_id: item || null, comment_id: comment ?? null };
    if (mark) S.change(mark, said);
    else S.add({ page, type: "comment", x, y, w, colour: S.colour.peek(), ...said });
    if (this.keeping.peek() && text) void keep(text, delta, item);
    return this.close();
  }

  close() {
    S.composer.value = null;
    if (S.tool.peek() === "comment") S.tool.value = "select";
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const choices = this.found.length;
    if (event.key === "Enter" && !event.shiftKey) {
      if (this.chosen.value >= 0) this.take(this.found[this.chosen.value]);
      else this.put();
    } else if (event.key === "Escape") this.close();
    else if (event.key === "ArrowDown" && choices) this.chosen.value = Math.min(choices - 1, this.chosen.value + 1);
    else if (event.key === "ArrowUp" && this.chosen.value >= 0) this.chosen.value -= 1;
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  view() {
    if (!S.composer.value) return nothing;
    const { draft, found: comments } = this;
    const item = S.itemOf.value.get(draft.item);
    const by = S.step.value;
    const most = item?.most ?? 20_000;
    const chosen = this.chosen.value < comments.length ? this.chosen.value : -1;
    return html`<form class="composer" aria-label=${t("desk.tool.comment")}
      ${styled({ "--x": `${Math.min(draft.x, 0.6) * 100}%`, "--y": `${draft.y * 100}%` })}
      @submit=${(/** @type {Event} */ event) => { event.preventDefault(); this.put(); }}>
      <header><span class="of">${item?.code}</span> ${item?.label ?? t("desk.no_item")}</header>
      <textarea rows="2" maxlength="4000" aria-label=${t("desk.composer.text")} placeholder=${t("desk.composer.hint")} .value=${live(draft.text)}
        aria-controls="bank-found" @keydown=${(/** @type {KeyboardEvent} */ event) => this.key(event)}
        @input=${(/** @type {InputEvent} */ event) => { this.chosen.value = -1; this.set({ text: /** @type {HTMLTextAreaElement} */ (event.target).value, comment: undefined }); }}></textarea>
      <ul id="bank-found" aria-label=${t("desk.bank")}>${comments.map((comment, i) => html`<li><button type="button" class=${i === chosen ? "chosen" : ""}
        @click=${() => this.take(comment)}><span>${comment.text}</span>${comment.points ? html`<b>${signed(read(comment.points) ?? 0)}</b>` : nothing}</button></li>`)}</ul>
      <div class="composer-line"><div class="stepper" role="group" aria-label=${t("desk.points")}>
        <button type="button" aria-label=${t("desk.less", { by: shown(by) })} @click=${() => this.set({ delta: Math.max(-most, draft.delta - by) })}>${icon("minus")}</button>
        <output>${draft.delta ? signed(draft.delta) : "0"}</output>
        <button type="button" aria-label=${t("desk.more", { by: shown(by) })} @click=${() => this.set({ delta: Math.min(most, draft.delta + by) })}>${icon("plus")}</button></div>
        ${draft.comment ? nothing : html`<label><input type="checkbox" .checked=${this.keeping.value}
          @change=${(/** @type {Event} */ event) => { this.keeping.value = /** @type {HTMLInputElement} */ (event.target).checked; }}>${t("desk.composer.keep")}</label>`}</div>
      <footer><button type="button" class="button small" @click=${() => this.close()}>${t("act.cancel")}</button>
        <button class="button small solid">${t(draft.mark ? "act.save" : "desk.composer.put")} <kbd>↵</kbd></button></footer></form>`;
  }
}

customElements.define("comment-composer", CommentComposer);
