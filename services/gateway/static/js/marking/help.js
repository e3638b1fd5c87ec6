// @ts-check
/** <desk-help>: every key, each of which can be changed or switched off. A dialogue. */
import { Island, html, icon, nothing, signal } from "../core/island.js";
import { chord } from "../core/keys.js";
import { t } from "../core/words.js";
import { caps, keys } from "./commands.js";

class DeskHelp extends Island {
  waiting = signal(""); // the command that gets the next key

  open() {
    /** @type {HTMLDialogElement} */ (this.querySelector("dialog")).showModal();
  }

  close() {
    this.waiting.value = "";
    /** @type {HTMLDialogElement} */ (this.querySelector("dialog")).close();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.waiting.value) return;
    event.preventDefault();
    event.stopPropagation();
    const name = chord(event);
    if (!name) return;
    if (name === "escape") this.waiting.value = "";
    else if (name === "delete" || name === "backspace") this.assign("");
    else this.assign(name);
  }

  /** @param {string} name */
  assign(name) {
    keys.assign(this.waiting.value, name);
    this.waiting.value = "";
  }

  /** @param {string} id */
  row(id) {
    const chords = keys.of(id);
    const [, place] = /^comment-(\d)$/.exec(id) ?? [];
    const name = place ? t("desk.do.comment-at", { place }) : t(`desk.do.${id}`);
    const waits = this.waiting.value === id;
    return html`<div><dt>${name}</dt><dd><button type="button" class=${waits ? "waiting" : ""} title=${t("desk.key.change")} @click=${() => { this.waiting.value = waits ? "" : id; }}>
      <span class="unseen">${name}${t("desk.colon")} </span>${waits ? t("desk.key.press") : chords.length ? caps(chords[0]).map((cap) => html`<kbd>${cap}</kbd>`) : html`<small>${t("desk.key.off")}</small>`}</button></dd></div>`;
  }

  view() {
    const groups = grouped(keys.commands);
    return html`<dialog class="help" aria-labelledby="help-title" @keydown=${(/** @type {KeyboardEvent} */ event) => this.key(event)} @close=${() => { this.waiting.value = ""; }}>
      <header><h2 id="help-title">${t("desk.keys")}</h2><button type="button" class="plain" title=${t("desk.close")} @click=${() => this.close()}>${icon("x")}<span class="unseen">${t("desk.close")}</span></button></header>
      <p class="quiet small">${t("desk.keys.lead")}</p>
      <div class="groups">${[...groups].map(([group, commands]) => html`<section><h3>${t(`desk.keys.${group}`)}</h3><dl>
        ${group === "scores" ? [fixed("desk.do.digits", ["0", "–", "9", ","]), fixed("desk.do.step", ["←", "→"])] : nothing}
        ${commands.map((each) => this.row(each.id))}</dl></section>`)}</div>
      <footer><label><input type="checkbox" .checked=${keys.on.value} @change=${(/** @type {Event} */ event) => { keys.on.value = /** @type {HTMLInputElement} */ (event.target).checked; }}>${t("desk.keys.single")}</label>
        <button type="button" class="button small" @click=${() => keys.reset()}>${t("desk.keys.reset")}</button></footer></dialog>`;
  }
}

/** Keys that stay as they are: digits write scores. @param {string} name @param {string[]} shown */
const fixed = (name, shown) => html`<div><dt>${t(name)}</dt><dd>${shown.map((cap) => (cap === "–" ? cap : html`<kbd>${cap}</kbd>`))}</dd></div>`;

/** @param {import("../core/keys.js").Command[]} commands */
function grouped(commands) {
  const found = /** @type {Map<string, import("../core/keys.js").Command[]>} */ (new Map());
  for (const each of commands) found.set(each.group, [...(found.get(each.group) ?? []), each]);
  return found;
}

customElements.define("desk-help", DeskHelp);
