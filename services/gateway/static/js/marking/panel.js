// @ts-check
/**
 * <score-panel>: the scheme with its scores. The field of the active item keeps the focus, so digits always land where
 * one sees them, and Enter accepts only what stands there.
 */
import { Island, effect, html, icon, live, nothing, signal } from "../core/island.js";
import { n, t } from "../core/words.js";
import { chips, read, shown, signed, wrong } from "./amounts.js";
import { forget, put } from "./bank.js";
import { caps, keys } from "./commands.js";
import * as S from "./store.js";

/** @typedef {import("./store.js").Item} Item */

const PAUSE_MS = 600; // a remark is kept after each pause in typing, not for every letter

class ScorePanel extends Island {
  told = signal(""); // to screen readers
  remarking = signal("");
  /** What is being written and not kept yet. */
  writing = signal(/** @type {{keep: (text: string) => void, name: string, text: string} | null} */ (null));
  pause = 0;

  setup() {
    const touch = matchMedia("(pointer: coarse)").matches; // there a focused field would bring up the keyboard
    this.stop = effect(() => {
      const id = S.active.value;
      if (S.composer.value || !S.desk.value || touch) return;
      queueMicrotask(() => this.focusItem(id));
    });
  }

  teardown() {
    this.stop?.();
  }

  /** @param {string} id */
  field(id) {
    return /** @type {HTMLInputElement | null} */ (this.querySelector(`[data-score="${CSS.escape(id)}"]`));
  }

  focusItem(id = S.active.peek()) {
    const field = this.field(id);
    field?.focus({ preventScroll: true });
    field?.select();
    field?.closest("li")?.scrollIntoView({ block: "nearest" });
    return field;
  }

  /** A digit that was pressed elsewhere. @param {string} digit */
  type(digit) {
    const item = S.itemOf.peek().get(S.active.peek());
    if (!item || !S.writable.peek()) return;
    this.focusItem();
    S.typed.value = { item: item.id, text: digit };
  }

  /** @param {Item} item  @returns {boolean} whether it could be given */
  give(item, amount = S.proposed(item)) {
    if (wrong(amount, item.most, S.step.peek())) return false;
    S.score(item.id, amount);
    S.typed.value = null;
    this.told.value = t("desk.told", { item: name(item), score: shown(amount), most: shown(item.most), total: shown(S.totalShown.peek()) });
    return true;
  }

  /** What stands in the field: typed, given before, or proposed. @param {Item} item */
  standing(item) {
    const typed = S.typed.peek();
    return (typed?.item === item.id ? read(typed.text) : S.scoreOf(item.id)) ?? S.proposed(item);
  }

  accept(item = S.itemOf.peek().get(S.active.peek())) {
    if (!item || !S.writable.peek() || !this.give(item, this.standing(item))) return;
    if (S.byItem.peek() === item.id) this.dispatchEvent(new CustomEvent("item-done", { bubbles: true }));
    else S.move(1);
  }

  /** Typed and left without Enter: kept when it can be, else it stays to be seen. @param {Item} item */
  leave(item) {
    const typed = S.typed.peek();
    if (typed?.item !== item.id) return;
    const amount = read(typed.text);
    if (amount !== null) this.give(item, amount);
    else {
      S.score(item.id, null);
      S.typed.value = null;
    }
  }

  /** @param {KeyboardEvent} event @param {Item} item */
  key(event, item) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = /** @type {HTMLInputElement} */ (event.target);
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
    const comma = [",", ".", ";"].includes(event.key) || event.code === "NumpadDecimal" ? "," : "";
    if (digit ?? comma) {
      field.setRangeText(digit ?? comma, field.selectionStart ?? 0, field.selectionEnd ?? 0, "end");
      S.typed.value = { item: item.id, text: field.value };
    } else if (event.key === "Enter") this.accept(item);
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !S.selected.peek()) {
      const by = event.key === "ArrowRight" ? S.step.peek() : -S.step.peek();
      const now = this.standing(item);
      const base = Number.isNaN(now) ? 0 : now;
      S.typed.value = { item: item.id, text: shown(Math.max(0, Math.min(item.most, base + by))) };
      requestAnimationFrame(() => field.select());
    } else if (event.key === "Escape" && S.typed.peek()) S.typed.value = null;
    else if (event.key === "Backspace" || (event.key === "Delete" && !S.selected.peek())) {
      event.stopPropagation();
      return;
    } else {
      if (event.key.length === 1) event.preventDefault(); // letters are commands, never part of a score
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Item} item */
  row(item) {
    const on = S.active.value === item.id;
    const given = S.scoreOf(item.id);
    const typed = S.typed.value?.item === item.id ? S.typed.value.text : null;
    const fault = typed === null ? null : wrong(read(typed) ?? 0, item.most, S.step.value);
    const notes = S.notesOf.value.get(item.id)?.count ?? 0;
    const state = given === null ? "" : given >= item.most ? " full" : given > 0 ? " part" : " zero";
    const proposal = shown(S.proposed(item));
    return html`<li class=${`item${on ? " on" : ""}${state}${fault && !(on && fault === "step") ? " faulty" : ""}`} @click=${() => { S.active.value = item.id; }}>
      <div class="score-line"><span class="of">${item.code}</span><span class="label" title=${item.label}>${item.label}${item.bonus ? html` <span class="tag">${t("desk.tool.bonus")}</span>` : nothing}${notes
        ? html` <span class="count" title=${n("desk.notes", notes)}>${notes}</span>` : nothing}${S.sync.marks.value.remarks[item.id] && !on ? icon("message-square-text") : nothing}</span>
      <span class="score"><input data-score=${item.id} inputmode="decimal" autocomplete="off" ?readonly=${!S.writable.value} aria-label=${t("desk.score_of", { item: name(item), most: shown(item.most) })}
        aria-invalid=${fault ? "true" : "false"} aria-describedby=${on ? "score-hint" : nothing} placeholder=${on && S.writable.value ? proposal : "–"} .value=${live(typed ?? (given === null ? "" : shown(given)))}
        @focus=${() => { S.active.value = item.id; }} @keydown=${(/** @type {KeyboardEvent} */ event) => this.key(event, item)}
        @input=${(/** @type {Event} */ event) => { S.typed.value = { item: item.id, text: /** @type {HTMLInputElement} */ (event.target).value }; }}
        @blur=${() => this.leave(item)}><span>/ ${shown(item.most)}</span></span></div>
      ${on && S.writable.value ? this.more(item, given, typed, fault) : nothing}
      ${on && !S.writable.value && S.sync.marks.value.remarks[item.id] ? html`<p class="remark">${S.sync.marks.value.remarks[item.id]}</p>` : nothing}</li>`;
  }

  /** Below the active item. */
  more(/** @type {Item} */ item, /** @type {number | null} */ given, /** @type {string | null} */ typed, /** @type {string | null} */ fault) {
    const hint = fault ? t(`desk.wrong.${fault}`, { most: shown(item.most), step: shown(S.step.value) })
      : typed !== null ? t("desk.accept", { score: shown(read(typed) ?? S.proposed(item)) })
      : given === null ? t("desk.accept", { score: shown(S.proposed(item)) }) : t(S.unmarked.value.length ? "desk.accepted" : "desk.adjust");
    const remark = S.sync.marks.value.remarks[item.id] ?? "";
    const unfinished = fault === "step"; // "1,2" on the way to "1,25"
    const prose = this.prose(`remark ${item.id}`, remark, (text) => S.remark(item.id, text));
    return html`<div class="more-of"><p id="score-hint" class=${fault && !unfinished ? "hint bad-text" : "hint"}>${hint}</p>
      <div class="chips" role="group" aria-label=${t("desk.points")}>${chips(item.most, S.step.value).map((amount) => html`<button type="button" tabindex="-1" aria-pressed=${given === amount ? "true" : "false"}
        @click=${(/** @type {Event} */ event) => { event.stopPropagation(); this.give(item, amount); this.focusItem(); }}>${shown(amount)}</button>`)}</div>
      <ol class="bank" aria-label=${t("desk.bank")}>${S.itemComments.value.map((comment, i) => html`<li><button type="button" tabindex="-1" class=${S.armed.value?.id === comment.id ? "put chosen" : "put"} title=${n("desk.uses", comment.uses ?? 0)}
        @click=${(/** @type {Event} */ event) => { event.stopPropagation(); S.armed.value = S.armed.peek()?.id === comment.id ? null : comment; }}><kbd>${keys.of(`comment-${i + 1}`).slice(0, 1).flatMap(caps).join(" ")}</kbd><span>${comment.text}</span>${comment.points
          ? html`<b>${signed(read(comment.points) ?? 0)}</b>` : nothing}</button>${comment.mine ? html`<button type="button" tabindex="-1" class="plain" title=${t("desk.bank.forget")}
            @click=${(/** @type {Event} */ event) => { event.stopPropagation(); void forget(comment); }}>${icon("x")}<span class="unseen">${t("desk.bank.forget")}</span></button>` : nothing}</li>`)}
        <li><button type="button" tabindex="-1" class="put new" @click=${(/** @type {Event} */ event) => { event.stopPropagation(); this.dispatchEvent(new CustomEvent("compose", { bubbles: true })); }}><kbd>C</kbd><span>${t("desk.bank.new")}</span></button></li></ol>
      ${remark || this.remarking.value === item.id ? html`<textarea class="remark-text" rows="2" maxlength="4000" aria-label=${t("desk.remark_of", { item: name(item) })} placeholder=${t("desk.remark.hint")} .value=${live(prose.text)}
          @input=${prose.input} @blur=${() => this.settle()}></textarea>`
        : html`<button type="button" class="quiet-button" @click=${(/** @type {Event} */ event) => { event.stopPropagation(); this.remarkOn(item.id); }}>${icon("message-square-text")}${t("desk.remark.add")} <kbd>R</kbd></button>`}</div>`;
  }

  remarkOn(id = S.active.peek()) {
    this.remarking.value = id;
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (this.querySelector(".remark-text"))?.focus());
  }

  appraisal() {
    /** @type {HTMLElement | null} */ (this.querySelector(".appraisal-text"))?.focus();
  }

  /** A field of prose: what it shows, and what typing in it does. @param {string} name @param {string} kept @param {(text: string) => void} keep */
  prose(name, kept, keep) {
    const { value: writing } = this.writing;
    return {
      text: writing?.name === name ? writing.text : kept,
      input: (/** @type {Event} */ event) => {
        this.writing.value = { name, keep, text: /** @type {HTMLTextAreaElement} */ (event.target).value };
        clearTimeout(this.pause);
        this.pause = setTimeout(() => this.settle(), PAUSE_MS);
      },
    };
  }

  /** Keep the prose that was typed and not kept yet. */
  settle() {
    clearTimeout(this.pause);
    const { value: writing } = this.writing;
    writing?.keep(writing.text);
    this.writing.value = null;
  }

  /** Keep all that was typed; before the copy changes, and before it is finished. @returns {boolean} false when a score cannot be kept */
  settleAll() {
    this.settle();
    const item = S.itemOf.peek().get(S.typed.peek()?.item ?? "");
    if (item) this.leave(item);
    return !S.typed.peek();
  }

  /** By its key. @param {number} at from 0 */
  putComment(at) {
    const comment = S.itemComments.peek()[at];
    if (comment && S.writable.peek()) put(comment);
  }

  /** @param {Item} branch */
  heading(branch) {
    const parts = branch.parts.map((id) => S.itemOf.value.get(id)).filter((each) => each !== undefined);
    const got = parts.reduce((sum, item) => sum + (S.scoreOf(item.id) ?? 0), 0);
    const most = parts.reduce((sum, item) => sum + (item.bonus ? 0 : item.most), 0);
    return html`<li class="branch"><h3>${branch.code} ${branch.label}</h3><span>${shown(got)} / ${shown(most)}</span></li>`;
  }

  view() {
    const missing = S.unmarked.value.length;
    const all = S.items.value.length;
    const mayWrite = S.writable.value;
    const appraisal = this.prose("appraisal", S.sync.marks.value.appraisal, S.appraise);
    return html`<div class="scroll-y" tabindex="-1"><header><h2>${t("desk.scheme")}</h2><small>${n("desk.marked", all - missing, { all })}</small></header>
      ${all ? html`<ol class="scheme">${S.rows.value.map((row) => (row.parts.length ? this.heading(row) : this.row(row)))}</ol>` : html`<p class="note warn">${icon("alert")}<span>${t("desk.no_scheme")}</span></p>`}
      <label class="appraisal-field"><span>${t("copy.appraisal")} <kbd>A</kbd></span><textarea class="appraisal-text" rows="3" maxlength="4000" ?readonly=${!mayWrite} placeholder=${mayWrite ? t("desk.appraisal.hint") : ""}
        .value=${live(appraisal.text)} @input=${appraisal.input} @blur=${() => this.settle()}></textarea></label></div>
    <footer class="totals"><p><span>${t("desk.total")}</span><strong>${shown(S.totalShown.value)}</strong><small>/ ${shown(read(S.desk.value?.exam.total_points ?? "20") ?? 0)}</small></p>
      <progress max=${all || 1} value=${all - missing} aria-label=${n("desk.marked", all - missing, { all })}></progress>
      ${mayWrite ? html`<button type="button" class="button solid wide" @click=${() => this.dispatchEvent(new CustomEvent("finish", { bubbles: true }))}>${t("desk.finish")} <kbd>Ctrl ↵</kbd></button>
        <small>${missing ? n("desk.missing", missing) : t("desk.complete")}</small>` : nothing}</footer>
    <p class="unseen" aria-live="polite">${this.told.value}</p>`;
  }
}

/** @param {Item} item */
export const name = (item) => `${item.code} ${item.label}`.trim();

customElements.define("score-panel", ScorePanel);
