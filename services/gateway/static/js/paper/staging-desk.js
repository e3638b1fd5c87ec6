// @ts-check
/** <staging-desk exam me late late-name>: all booklets of an exam, doubtful first; everything here can be undone. */
import { Island, computed, html, icon, nothing, repeat, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { n, t } from "../core/words.js";
import "./acts-list.js";
import "./booklet-strip.js";
import { deskHelp, deskKeys } from "./desk-keys.js";
import "./late-sheets.js";
import { PageDrag } from "./page-drag.js";
import "./page-zoom.js";
import { Pile, standing } from "./pile.js";
import { selectionBar } from "./selection-bar.js";

/** @typedef {import("./pile.js").Booklet} Booklet  @typedef {import("./pile.js").Standing} Standing */
const STANDINGS = /** @type {Standing[]} */ (["doubtful", "certain", "stapled", "aside"]);

class StagingDesk extends Island {
  exam = /** @type {string} */ (this.getAttribute("exam"));
  late = this.getAttribute("late");
  pile = new Pile(this.exam, this.getAttribute("me") ?? "");
  state = signal(/** @type {"loading"|"ready"|"failed"} */ ("loading"));
  told = signal(/** @type {Element|null} */ (null));
  said = signal("");
  filter = signal(/** @type {Standing|"all"} */ ("all"));
  file = signal("");
  /** Pages taken up by keyboard or button, to be put elsewhere. */
  held = signal(/** @type {string[]} */ ([]));
  current = signal(/** @type {string|null} */ (null));
  /** What is shown keeps its place while one works on it: it is chosen anew only by the filter. */
  kept = signal(/** @type {Set<string>} */ (new Set()));
  shown = computed(() => {
    const kept = this.kept.value;
    return this.pile.booklets.value.filter((each) => kept.has(each.id));
  });
  drag = new PageDrag(this, {
    taken: (page) => (this.pile.selected.value.has(page) ? this.selection() : [page]),
    label: (count) => n("staging.pages", count),
    dropped: (pages, place) => this.attempt(() => this.pile.move(pages, place.booklet, place.before)),
  });
  /** The page picked last: where a range begins. */
  anchor = /** @type {string|null} */ (null);
  keys = deskKeys(this);

  setup() {
    this.addEventListener("keydown", this.keys);
    this.addEventListener("click", this.#clicked);
    this.addEventListener("dblclick", this.#zoomed);
    this.addEventListener("focusin", this.#focused);
    this.load();
  }

  teardown() {
    this.drag.stop();
    this.removeEventListener("keydown", this.keys);
  }

  async load() {
    try {
      await this.pile.load();
      this.choose(this.late ? "all" : STANDINGS.find((each) => this.pile.counts.value[each] > 0) ?? "all");
      this.state.value = "ready";
      requestAnimationFrame(() => this.#arrive());
    } catch (error) {
      this.told.value = note(error);
      this.state.value = "failed";
    }
  }

  /** Who came for one booklet (from the report) sees that one. */
  #arrive() {
    const id = location.hash.replace("#booklet-", "");
    if (!id || !this.pile.booklet(id)) return;
    if (!this.kept.value.has(id)) this.choose("all");
    requestAnimationFrame(() => this.focusPage(/** @type {Booklet} */ (this.pile.booklet(id)).pages[0].id));
  }

  /** @param {Standing|"all"} filter */
  choose(filter) {
    this.filter.value = filter;
    const wanted = this.pile.booklets.value
      .filter((each) => filter === "all" || standing(each) === filter)
      .filter((each) => !this.file.value || each.upload_id === this.file.value);
    this.kept.value = new Set(wanted.map((each) => each.id));
  }

  /** Do something; what goes wrong is told here. New booklets join what is shown. @param {() => Promise<any>} act */
  async attempt(act) {
    const before = new Set(this.pile.booklets.value.map((each) => each.id));
    const focused = this.current.value;
    this.told.value = null;
    this.said.value = "";
    try {
      const result = await act();
      const fresh = this.pile.booklets.value.filter((each) => !before.has(each.id)).map((each) => each.id);
      if (fresh.length) this.kept.value = new Set([...this.kept.value, ...fresh]);
      if (focused && !document.activeElement?.matches("input, select, dialog *")) await this.focusPage(focused);
      return result;
    } catch (error) {
      if (/** @type {any} */ (error)?.status === 409) say(/** @type {any} */ (error).document.detail, "warn");
      else this.told.value = note(error);
      return undefined;
    }
  }

  /** Selected pages in the order they lie. */
  selection() {
    const selected = this.pile.selected.value;
    const pages = this.pile.booklets.value.flatMap((each) => each.pages.map((page) => page.id));
    return pages.filter((id) => selected.has(id));
  }

  /** What an act is about: the selection if the page at hand is in it or there is none, else that page. */
  subject() {
    const selected = this.selection();
    const current = this.current.value;
    return current && !selected.includes(current) ? [current] : selected;
  }

  /** @param {string} id */
  async focusPage(id) {
    await Promise.resolve();
    const strip = /** @type {any} */ (this.querySelector(`#booklet-${this.pile.bookletOf(id)?.id}`)?.parentElement);
    strip?.show();
    await Promise.resolve(); // drawn at the end of what runs now: no key comes in between
    const page = /** @type {HTMLElement|null} */ (this.querySelector(`[data-page="${id}"]`));
    page?.focus({ preventScroll: true });
    page?.scrollIntoView({ block: "nearest" });
  }

  #focused = (/** @type {FocusEvent} */ event) => {
    const page = /** @type {HTMLElement} */ (event.target).closest(".page");
    if (!(page instanceof HTMLElement)) return;
    this.querySelector('.page[tabindex="0"]')?.setAttribute("tabindex", "-1");
    page.tabIndex = 0;
    this.current.value = page.dataset.page ?? null;
  };

  #clicked = (/** @type {MouseEvent} */ event) => {
    const page = /** @type {HTMLElement|null} */ (/** @type {HTMLElement} */ (event.target).closest(".page"));
    if (!page?.dataset.page || this.drag.ended) return;
    const touch = /** @type {PointerEvent} */ (event).pointerType === "touch";
    if (event.shiftKey) this.pickTo(page.dataset.page);
    else this.pick(page.dataset.page, touch || event.ctrlKey || event.metaKey || event.detail === 0);
  };

  #zoomed = (/** @type {MouseEvent} */ event) => {
    const page = /** @type {HTMLElement|null} */ (/** @type {HTMLElement} */ (event.target).closest(".page"));
    if (page?.dataset.page) this.zoom(page.dataset.page);
  };

  /** @param {string} page */
  zoom(page) {
    /** @type {any} */ (this.querySelector("page-zoom")).open(page);
  }

  /** @param {string} page  @param {boolean} too keep what is selected */
  pick(page, too) {
    const selected = new Set(this.pile.selected.value);
    const was = selected.has(page) && (too || selected.size === 1);
    if (!too) selected.clear();
    if (was) selected.delete(page);
    else selected.add(page);
    this.pile.selected.value = selected;
    this.anchor = page;
  }

  /** All from the page picked last to this one. @param {string} page */
  pickTo(page) {
    const ids = this.shown.value.flatMap((each) => each.pages).map((each) => each.id);
    const ends = [ids.indexOf(this.anchor ?? page), ids.indexOf(page)].sort((one, other) => one - other);
    this.pile.selected.value = new Set([...this.pile.selected.value, ...ids.slice(Math.max(0, ends[0]), ends[1] + 1)]);
  }

  /** @param {Booklet} booklet */
  pickBooklet(booklet) {
    const selected = new Set(this.pile.selected.value);
    const all = booklet.pages.every((page) => selected.has(page.id));
    for (const page of booklet.pages) if (all) selected.delete(page.id); else selected.add(page.id);
    this.pile.selected.value = selected;
  }

  clear() {
    this.held.value = [];
    this.pile.selected.value = new Set();
  }

  async undo(/** @type {string|undefined} */ act_id) {
    const undone = await this.attempt(() => this.pile.undo(act_id));
    if (undone) {
      this.kept.value = new Set([...this.kept.value, ...undone.booklet_ids]);
      this.said.value = t("staging.undone", { act: t(`staging.act.${undone.kind}`) });
    } else if (!this.told.value) this.said.value = t("staging.nothing_to_undo");
  }

  async #stapleCertain(/** @type {Event} */ event) {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    button.setAttribute("aria-busy", "true");
    const made = await this.attempt(() => this.pile.stapleCertain());
    button.removeAttribute("aria-busy");
    if (made === undefined) return;
    const identify = () => location.assign(`/exams/${this.exam}/identification`);
    say(n("booklets.made", made), "ok", { text: t("booklets.next"), run: identify });
    this.choose(this.filter.value);
  }

  async join(/** @type {string[]} */ ids) {
    if (!this.late) return /** @type {any} */ (this.querySelector("late-sheets")).open(ids);
    await this.pile.join(this.late, ids);
    return location.assign(`/copies/${this.late}`);
  }

  view() {
    if (this.state.value === "loading") return html`<p class="quiet loading" role="status">${t("staging.loading")}</p>`;
    if (this.state.value === "failed") {
      return html`${this.told.value}<p class="more">
        <button class="button" type="button" @click=${() => this.load()}>${t("scans.again")}</button></p>`;
    }
    if (!this.pile.booklets.value.length) {
      return html`<div class="empty">${icon("layers")}<h2>${t("booklets.empty.title")}</h2>
        <p>${t("booklets.empty.text")}</p><a class="button solid" href="?">${t("scans.upload")}</a></div>`;
    }
    const copy = this.getAttribute("late-name") ?? "";
    return html`
      ${this.late ? html`<p class="note">${icon("info")}<span>${t("staging.late.lead", { copy })}</span></p>` : nothing}
      ${this.#head()}
      <div aria-live="polite">${this.told.value}<p class="said quiet small">${this.said.value}</p></div>
      <div class="strips-of-pages">${repeat(this.shown.value, (each) => each.id, (each) => html`
        <booklet-strip .desk=${this} .booklet=${each}></booklet-strip>`)}</div>
      ${this.shown.value.length ? nothing : html`<p class="quiet loading">${t("staging.none")}</p>`}
      ${selectionBar(this)}
      <page-zoom .desk=${this}></page-zoom><acts-list .desk=${this}></acts-list><late-sheets .desk=${this}></late-sheets>
      ${deskHelp()}`;
  }

  #head() {
    const counts = this.pile.counts.value;
    const chips = STANDINGS.filter((each) => counts[each] > 0).map((each) => this.#chip(each, counts[each]));
    return html`<div class="desk-head">
      <div class="filters" role="group" aria-label=${t("staging.filter")}>
        ${chips}${this.#chip("all", this.pile.booklets.value.length)}</div>
      ${this.pile.files.value.size > 1 ? this.#files() : nothing}
      <div class="acts">
        <button class="button" type="button" title="Ctrl+Z" @click=${() => this.undo(undefined)}>
          ${icon("undo-2")}${t("staging.undo")}</button>
        ${this.#tool("history", "staging.acts", () => /** @type {any} */ (this.querySelector("acts-list")).open())}
        ${this.#tool("keyboard", "staging.keys", () => this.help())}
        ${counts.certain > 0 ? html`<button class="button solid" type="button"
          @click=${(/** @type {Event} */ event) => this.#stapleCertain(event)}>
          ${icon("paperclip")}${n("booklets.assemble", counts.certain)}</button>` : nothing}
      </div></div>`;
  }

  /** @param {string} picture  @param {string} word  @param {() => void} act */
  #tool(picture, word, act) {
    return html`<button class="plain" type="button" title=${t(word)} aria-label=${t(word)} @click=${act}>
      ${icon(picture)}</button>`;
  }

  #files() {
    const chosen = (/** @type {any} */ event) => {
      this.file.value = event.target.value;
      this.choose(this.filter.value);
    };
    return html`<select class="input file" aria-label=${t("staging.file")} @change=${chosen}>
      <option value="">${t("staging.every_file")}</option>
      ${[...this.pile.files.value].map(([id, name]) => html`<option value=${id}>${name}</option>`)}</select>`;
  }

  /** @param {Standing|"all"} filter  @param {number} count */
  #chip(filter, count) {
    const pressed = this.filter.value === filter ? "true" : "false";
    return html`<button type="button" class="chip ${filter}" aria-pressed=${pressed}
      @click=${() => this.choose(filter)}>${t(`staging.show.${filter}`)} <b>${count}</b></button>`;
  }

  help() {
    /** @type {HTMLDialogElement} */ (this.querySelector("dialog.keys")).showModal();
  }

  /** Take pages up, to put them down elsewhere. */
  take() {
    this.held.value = this.subject();
    this.pile.selected.value = new Set();
  }

  /** Put down what was taken, beside the page at hand. @param {boolean} after */
  async put(after) {
    const target = this.current.value ?? this.selection()[0];
    const booklet = target && this.pile.bookletOf(target);
    if (!booklet || !this.held.value.length) return;
    const at = booklet.pages.findIndex((page) => page.id === target) + (after ? 1 : 0);
    const held = this.held.value;
    const before = booklet.pages.slice(at).find((page) => !held.includes(page.id))?.id ?? null;
    const moved = await this.attempt(() => this.pile.move(held, booklet.id, before).then(() => true));
    if (moved) this.clear();
  }
}

customElements.define("staging-desk", StagingDesk);
