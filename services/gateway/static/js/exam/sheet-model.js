// @ts-check
/**
 * <sheet-model exam>: where the fields stand on this exam's headers, drawn once on one of them. With mouse, pen or
 * finger a zone is drawn, moved, and sized at its corner; by keys it is added, moved (arrows), sized (Shift), removed.
 */
import { acting } from "../core/acting.js";
import { call } from "../core/api.js";
import { confirmed } from "../core/dialog.js";
import { Island, html, icon, nothing, repeat, signal, styled } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { n, t } from "../core/words.js";
import { byKey, draw, hold } from "../core/zones.js";

/** @typedef {import("../core/zones.js").Box & {kind: string}} Zone */
/** @typedef {import("./identification-desk.js").Copy} Copy */

const KINDS = ["last_name", "first_name", "number", "class", "birth_date"];
const SAMPLES = 12;
const KEY_STEP = 0.005;

class SheetModel extends Island {
  samples = signal(/** @type {Copy[] | null} */ (null));
  sample = signal(/** @type {{copy_id: string, picture: import("./identification-desk.js").Picture} | null} */ (null));
  zones = signal(/** @type {Zone[]} */ ([]));
  selected = signal(-1);
  kind = signal(KINDS[0]);
  stored = signal(false);
  told = signal(/** @type {unknown} */ (nothing));
  busy = signal(false);

  get path() {
    return `/exams/${this.getAttribute("exam")}/sheet-model`;
  }

  async setup() {
    try {
      const { items } = await call("GET", `/exams/${this.getAttribute("exam")}/identification?pending_only=false&limit=${SAMPLES}`);
      this.samples.value = items.filter((/** @type {Copy} */ each) => each.header);
      await this.load();
    } catch (error) {
      this.told.value = note(error);
    }
  }

  async load() {
    try {
      const found = await call("GET", this.path);
      this.sample.value = { copy_id: found.sample_copy_id, picture: found.sample };
      this.zones.value = found.zones;
      this.stored.value = true;
    } catch (error) {
      if (/** @type {any} */ (error).status !== 404) throw error;
      const first = this.samples.value?.[0];
      this.sample.value = first ? { copy_id: first.copy_id, picture: /** @type {any} */ (first.header) } : null;
      this.zones.value = [];
      this.stored.value = false;
    }
    this.next();
  }

  /** The field that is drawn next is one that has no zone yet. */
  next() {
    this.kind.value = KINDS.find((kind) => !this.zones.value.some((zone) => zone.kind === kind)) ?? "unknown";
  }

  view() {
    if (!this.samples.value) return html`<p class="quiet">${this.told.value === nothing ? t("list.loading") : this.told.value}</p>`;
    const sample = this.sample.value;
    if (!sample) return html`<div class="empty">${icon("scan")}<h2>${t("model.empty.title")}</h2><p>${t("model.empty.text")}</p></div>`;
    const zones = this.zones.value;
    return html`<section class="panel sheet-model"><div class="list-head"><h2>${t("model.title")} ${this.stored.value ? html`<span class="state graded">${icon("check")}${t("model.stored")}</span>` : html`<span class="state">${t("model.none")}</span>`}</h2>
        ${this.samples.value.length > 1 ? html`<label class="sample"><span class="quiet small">${t("model.sample")}</span><select class="input" @change=${(/** @type {any} */ event) => this.choose(event.target.value)}>
          ${this.samples.value.map((each) => html`<option value=${each.copy_id} ?selected=${each.copy_id === sample.copy_id}>${each.anonymous_id}</option>`)}</select></label>` : nothing}</div>
      <p class="quiet">${t("model.lead")}</p>
      <div class="kinds" role="group" aria-label=${t("model.kinds")}>${[...KINDS, "unknown"].map((kind) => html`<button type="button" class="kind ${kind}" aria-pressed=${String(kind === this.kind.value)} @click=${() => this.pick(kind)}><i></i>${t(`model.kind.${kind}`)}</button>`)}
        <button type="button" class="button small" ?disabled=${zones.length >= 8} @click=${() => this.add()}>${icon("plus")}${t("model.add")}</button></div>
      <div class="canvas" @pointerdown=${(/** @type {PointerEvent} */ event) => this.draw(event)}><img src=${sample.picture.href} width=${sample.picture.width_px} height=${sample.picture.height_px} alt=${t("identify.header")} draggable="false">
        ${repeat(zones, (_, at) => at, (zone, at) => html`<button type="button" class="zone ${zone.kind}" ${styled({ "--x": zone.x, "--y": zone.y, "--w": zone.w, "--h": zone.h })} aria-pressed=${String(at === this.selected.value)}
          aria-label=${t("model.zone", { kind: t(`model.kind.${zone.kind}`) })} @focus=${() => { this.selected.value = at; }} @keydown=${(/** @type {KeyboardEvent} */ event) => this.key(event, at)} @pointerdown=${(/** @type {PointerEvent} */ event) => this.hold(event, at)}><span>${t(`model.kind.${zone.kind}`)}</span><i class="corner"></i></button>`)}</div>
      <p class="hint">${t("model.keys")}</p><div class="told">${this.told.value}</div>
      <div class="acts"><button class="button solid" type="button" ?disabled=${!zones.length} aria-busy=${String(this.busy.value)} @click=${() => this.save()}>${icon("save")}${t("model.save")}</button>
        <button class="button" type="button" ?disabled=${this.selected.value < 0} @click=${() => this.removeZone(this.selected.value)}>${icon("trash")}${t("model.remove_zone")}</button>
        ${this.stored.value ? html`<button class="button danger" type="button" @click=${() => this.forget()}>${t("model.forget")}</button>` : nothing}</div></section>`;
  }

  /** @param {string} copyId */
  choose(copyId) {
    const copy = this.samples.value?.find((each) => each.copy_id === copyId);
    if (copy?.header) this.sample.value = { copy_id: copyId, picture: copy.header };
  }

  /** Of the zone that is selected, or of the next that is drawn. @param {string} kind */
  pick(kind) {
    this.kind.value = kind;
    if (this.selected.value >= 0) this.change(this.selected.value, { kind });
  }

  /** @param {number} at @param {Partial<Zone>} what */
  change(at, what) {
    this.zones.value = this.zones.value.map((zone, each) => each === at ? { ...zone, ...what } : zone);
  }

  add() {
    const row = this.zones.value.length % 4;
    this.zones.value = [...this.zones.value, { kind: this.kind.value, x: 0.3, y: 0.06 + row * 0.22, w: 0.4, h: 0.18 }];
    const at = this.zones.value.length - 1;
    this.next();
    setTimeout(() => /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".zone"))[at]?.focus());
  }

  /** @param {number} at */
  removeZone(at) {
    this.zones.value = this.zones.value.filter((_, each) => each !== at);
    this.selected.value = -1;
    this.next();
  }

  /** @param {KeyboardEvent} event @param {number} at */
  key(event, at) {
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.removeZone(at);
      return;
    }
    const zone = byKey(event, this.zones.value[at], [KEY_STEP, KEY_STEP * 4]); // headers are about four times as wide as high
    if (zone) this.change(at, zone);
  }

  /** A new zone from where the pointer went down. @param {PointerEvent} event */
  draw(event) {
    if (event.button !== 0 || this.zones.value.length >= 8) return;
    let at = -1;
    this.selected.value = -1;
    draw(event, /** @type {HTMLElement} */ (event.currentTarget), (box) => {
      if (at >= 0) this.change(at, box);
      else {
        at = this.zones.value.length;
        this.zones.value = [...this.zones.value, { kind: this.kind.value, ...box }];
        this.selected.value = at;
      }
    }, (box) => {
      this.change(at, box);
      this.next();
    });
  }

  /** Move a zone, or size it when held at its corner. @param {PointerEvent} event @param {number} at */
  hold(event, at) {
    if (event.button !== 0) return;
    this.selected.value = at;
    this.kind.value = this.zones.value[at].kind;
    const canvas = /** @type {HTMLElement} */ (this.querySelector(".canvas"));
    hold(event, canvas, this.zones.value[at], (zone) => this.change(at, zone));
  }

  save() {
    return acting(this, async () => {
      await call("PUT", this.path, { sample_copy_id: this.sample.value?.copy_id, zones: this.zones.value });
      this.stored.value = true;
      say(n("model.saved", this.zones.value.length));
      this.dispatchEvent(new CustomEvent("stored"));
    });
  }

  async forget() {
    if (!(await confirmed(t("model.forget.confirm")))) return;
    await acting(this, async () => {
      await call("DELETE", this.path);
      await this.load();
      say(t("model.forgotten"));
    });
  }
}

customElements.define("sheet-model", SheetModel);
