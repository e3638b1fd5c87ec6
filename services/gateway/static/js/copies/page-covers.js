// @ts-check
/**
 * <page-covers copy page writable>: what of this page a person hid from markers, over its picture, and hiding more of it.
 * A zone is drawn, moved, and sized at its corner; by keys it is moved (arrows), sized (Shift), hidden (Enter), given up.
 */
import { acting } from "../core/acting.js";
import { call } from "../core/api.js";
import { Island, html, icon, nothing, repeat, signal, styled } from "../core/island.js";
import { say } from "../core/toast.js";
import { t } from "../core/words.js";
import { byKey, draw, hold } from "../core/zones.js";

/** @typedef {import("../core/zones.js").Box} Box */
/** @typedef {{id: string, box: Box}} Cover */

const STEP = 0.005; // of the page, with each arrow key
const FIRST = { x: 0.25, w: 0.5, h: 0.06 }; // a zone that was not drawn
const at = (/** @type {Box} */ { x, y, w, h }) => styled({ "--x": x, "--y": y, "--w": w, "--h": h });

class PageCovers extends Island {
  covers = signal(/** @type {Cover[]} */ ([]));
  /** The zone that is not hidden yet. */
  zone = signal(/** @type {Box | null} */ (null));
  busy = signal(false);
  told = signal(/** @type {unknown} */ (nothing));

  get path() {
    return `/copies/${this.getAttribute("copy")}/covers`;
  }

  get page() {
    return Number(this.getAttribute("page"));
  }

  setup() {
    const known = /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-id]")]);
    this.covers.value = known.map(({ dataset }) => ({ id: String(dataset.id), box: { x: Number(dataset.x), y: Number(dataset.y), w: Number(dataset.w), h: Number(dataset.h) } }));
  }

  view() {
    const zone = this.zone.value;
    const writable = this.hasAttribute("writable");
    return html`${repeat(this.covers.value, (each) => each.id, (each) => html`<div class="cover" ${at(each.box)}><span>${t("cover.covered")}</span>
        ${writable ? html`<button class="button small" type="button" ?disabled=${this.busy.value} @click=${() => this.uncover(each)}>${icon("eye")}${t("cover.show")}<span class="unseen"> (${t("copy.page", { page: this.page })})</span></button>` : nothing}</div>`)}
      ${zone ? html`<div class="canvas" @pointerdown=${(/** @type {PointerEvent} */ event) => this.draw(event)}>
          <button type="button" class="zone" ${at(zone)} aria-label=${t("cover.zone")} aria-describedby=${`keys-${this.page}`} @keydown=${(/** @type {KeyboardEvent} */ event) => this.key(event)} @pointerdown=${(/** @type {PointerEvent} */ event) => this.hold(event)}><i class="corner"></i></button></div>
        <div class="covering"><p id=${`keys-${this.page}`} class="small">${t("cover.keys")}</p>
          <div class="acts"><button class="button small solid" type="button" aria-busy=${String(this.busy.value)} @click=${() => this.cover()}>${icon("eye-off")}${t("cover.do")}</button>
            <button class="button small" type="button" @click=${() => this.giveUp()}>${t("act.cancel")}</button></div>${this.told.value}</div>`
        : writable ? html`<button class="button small begin" type="button" @click=${() => this.begin()}>${icon("eye-off")}${t("cover.begin")}<span class="unseen"> (${t("copy.page", { page: this.page })})</span></button><div class="told">${this.told.value}</div>` : nothing}`;
  }

  begin() {
    this.told.value = nothing;
    if (this.getBoundingClientRect().top > window.innerHeight / 3) this.scrollIntoView({ behavior: "instant" });
    const { top, bottom, height } = this.getBoundingClientRect();
    const middle = (Math.max(top, 0) + Math.min(bottom, window.innerHeight)) / 2; // of what one sees of the page
    this.zone.value = { ...FIRST, y: Math.max(0, Math.min(1 - FIRST.h, (middle - top) / height - FIRST.h / 2)) };
    this.#focus(".zone");
  }

  giveUp() {
    this.told.value = nothing;
    this.zone.value = null;
    this.#focus(".begin");
  }

  /** Once it is drawn. @param {string} where */
  #focus(where) {
    setTimeout(() => /** @type {HTMLElement | null} */ (this.querySelector(where))?.focus());
  }

  /** @param {PointerEvent} event */
  draw(event) {
    if (event.button !== 0) return;
    const changed = (/** @type {Box} */ box) => { this.zone.value = box; };
    draw(event, /** @type {HTMLElement} */ (event.currentTarget), changed, changed);
  }

  /** @param {PointerEvent} event */
  hold(event) {
    if (event.button !== 0 || !this.zone.value) return;
    const canvas = /** @type {HTMLElement} */ (this.querySelector(".canvas"));
    hold(event, canvas, this.zone.value, (box) => { this.zone.value = box; });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.cover();
    } else if (event.key === "Escape") this.giveUp();
    else if (this.zone.value) this.zone.value = byKey(event, this.zone.value, [STEP, STEP]) ?? this.zone.value;
  }

  async cover() {
    const box = this.zone.value;
    if (!box || this.busy.value) return;
    await acting(this, async () => {
      const { cover } = await call("POST", this.path, { page_no: this.page, box });
      this.covers.value = [...this.covers.value, cover];
      this.zone.value = null;
      say(t("cover.done"), "ok", { text: t("cover.undo"), run: () => this.uncover(cover) });
      this.#focus(".begin");
    });
  }

  /** @param {Cover} cover */
  uncover(cover) {
    return acting(this, async () => {
      await call("DELETE", `${this.path}/${cover.id}`);
      this.covers.value = this.covers.value.filter((each) => each.id !== cover.id);
      say(t("cover.shown"));
    });
  }
}

customElements.define("page-covers", PageCovers);
