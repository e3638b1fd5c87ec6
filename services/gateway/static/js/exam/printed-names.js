// @ts-check
/** <printed-names exam>: where printed text shows a name of the roster to markers; a person looks, hides it or sets it aside. */
import { acting } from "../core/acting.js";
import { call } from "../core/api.js";
import { Island, html, icon, nothing, repeat, signal, styled } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { n, t } from "../core/words.js";

/** @typedef {{x: number, y: number, w: number, h: number}} Box */
/** @typedef {{id: string, copy_id: string, anonymous_id: string, page_no: number, box: Box, last_name: string, first_name: string}} Found */
/** @typedef {{items: Found[], next: string | null, total: number, checking: boolean, pages: number, waiting: number, unread: number}} Names */

const READ_AGAIN_MS = 5000;
const AT_ONCE = 50;
const AROUND = 0.006; // of the page: letters reach over the box of their word

class PrintedNames extends Island {
  names = signal(/** @type {Names | null} */ (null));
  told = signal(/** @type {unknown} */ (nothing));
  /** What was hidden here, though the list may not have heard of it yet. @type {Set<string>} */
  covered = new Set();
  busy = signal(false);
  /** @type {number | undefined} */
  #timer;

  get path() {
    return `/exams/${this.getAttribute("exam")}/printed-names`;
  }

  setup() {
    this.load();
  }

  teardown() {
    clearTimeout(this.#timer);
  }

  async load() {
    clearTimeout(this.#timer);
    try {
      const names = await call("GET", `${this.path}?limit=${AT_ONCE}`);
      const items = names.items.filter((/** @type {Found} */ each) => !this.covered.has(each.id));
      names.total -= names.items.length - items.length;
      names.items = items;
      this.names.value = names;
      this.dispatchEvent(new CustomEvent("counted", { detail: names.total }));
      if (names.waiting) this.#timer = window.setTimeout(() => this.load(), READ_AGAIN_MS);
    } catch (error) {
      this.told.value = note(error);
    }
  }

  view() {
    const names = this.names.value;
    if (!names) return html`<p class="quiet">${this.told.value === nothing ? t("list.loading") : this.told.value}</p>`;
    const { items, total, pages, waiting, unread } = names;
    return html`<section class="panel printed"><header><h2>${t("identify.place.printed")}</h2>${items.length ? html`<p class="quiet">${t("printed.text")}</p>` : nothing}</header>
      ${waiting ? html`<div class="standing" role="status"><progress max=${pages} value=${pages - waiting} aria-label=${t("printed.progress.label")}></progress><span>${n("printed.waiting", waiting, { pages })}</span></div>` : nothing}
      ${unread ? html`<div class="note warn">${icon("alert")}<div><p>${n("printed.unread", unread)}</p><p class="acts"><button class="button small" type="button" aria-busy=${String(this.busy.value)} @click=${() => acting(this, () => this.readAgain())}>${icon("refresh-cw")}${t("printed.read_again")}</button></p></div></div>` : nothing}
      <div aria-live="assertive">${this.told.value}</div>
      ${items.length ? html`<ul class="places-found">${repeat(items, (each) => each.id, (each) => this.place(each))}</ul>` : html`<p class="quiet" role="status">${t(waiting ? "printed.none_yet" : "printed.none")}</p>`}
      ${total > items.length ? html`<p class="quiet">${n("printed.more", total - items.length)}</p>` : nothing}</section>`;
  }

  /** @param {Found} found */
  place(found) {
    const { box } = found;
    const where = { copy: found.anonymous_id, page: found.page_no };
    return html`<li><div class="slice" ${styled({ "--x": box.x, "--y": box.y, "--w": box.w, "--h": box.h, "--middle": box.y + box.h / 2 })}><div>
        <img src=${`/api/v1/copies/${found.copy_id}/pages/${found.page_no}?size=screen`} alt=${t("printed.slice", where)} loading="lazy"><i></i></div></div>
      <div class="said"><p><b>${found.last_name} ${found.first_name}</b> <span class="quiet">${t("printed.where", where)}</span></p>
        <div class="acts"><a class="button small" href=${`/copies/${found.copy_id}`}>${icon("eye")}${t("identify.see_copy")}</a>
          <button class="button small solid" type="button" @click=${() => acting(this, () => this.cover(found))}>${icon("eye-off")}${t("printed.cover")}<span class="unseen"> ${found.anonymous_id}</span></button>
          <button class="button small" type="button" @click=${() => acting(this, () => this.dismiss(found))}>${icon("check")}${t("printed.dismiss")}<span class="unseen"> ${found.anonymous_id}</span></button></div></div></li>`;
  }

  /** @param {Found} found */
  async cover(found) {
    const { box } = found;
    const [x, y] = [Math.max(0, box.x - AROUND), Math.max(0, box.y - AROUND)];
    const around = { x, y, w: Math.min(1, box.x + box.w + AROUND) - x, h: Math.min(1, box.y + box.h + AROUND) - y };
    await call("POST", `/copies/${found.copy_id}/covers`, { page_no: found.page_no, box: around });
    this.covered.add(found.id);
    say(t("cover.done"));
    await this.load();
  }

  /** @param {Found} found */
  async dismiss(found) {
    await call("DELETE", `/copies/${found.copy_id}/printed-names/${found.id}`);
    say(t("printed.dismissed"));
    await this.load();
  }

  async readAgain() {
    const { pages } = await call("POST", `${this.path}/readings`);
    say(n("printed.read_again.done", pages));
    await this.load();
  }
}

customElements.define("printed-names", PrintedNames);
