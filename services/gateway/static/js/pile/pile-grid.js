// @ts-check
/**
 * <pile-grid exam [admin]>: copies × questions, as many as there are. Only the rows in sight are in the page.
 * Arrows move from cell to cell, Enter opens the desk there, F flags, X picks a copy to compare.
 */
import { call } from "../core/api.js";
import { Island, computed, effect, given, html, icon, nothing, preference, signal, styled } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { language, n, points, t } from "../core/words.js";
import { askText } from "./ask-text.js";
import { compare } from "./compare.js";
import { band, chosen, matches, meanOf, missing, sorted, sum } from "./order.js";
import { Rows } from "./rows.js";

/** @typedef {import("./order.js").Copy} Copy */
/** @typedef {import("./order.js").Item} Item */
/** @typedef {import("./order.js").Show} Show */

const ROW_PX = 38; // as in pile.css
const SHOWS = /** @type {Show[]} */ (["all", "missing", "done", "flagged"]);
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });

class PileGrid extends Island {
  exam = "";
  admin = false;
  problem = signal(/** @type {unknown} */ (null));
  items = signal(/** @type {Item[]} */ ([]));
  copies = signal(/** @type {Copy[] | null} */ (null));
  show = signal(/** @type {Show} */ ("all"));
  text = signal("");
  sort = preference("pile.sort", { column: "id", down: false });
  picked = signal(/** @type {string[]} */ ([]));
  at = signal({ row: 0, column: 0 });
  first = signal(0);
  high = signal(20);
  body = signal(/** @type {Rows | null} */ (null));
  rows = computed(() => {
    const { column, down } = this.sort.value;
    const items = this.items.value;
    return sorted(chosen(this.copies.value ?? [], items, { show: this.show.value, text: this.text.value }), column, down);
  });
  means = computed(() => this.items.value.map((item) => meanOf(this.rows.value, item.item_id)));

  get box() {
    return /** @type {HTMLElement | null} */ (this.querySelector(".grid-box"));
  }

  setup() {
    this.exam = this.getAttribute("exam") ?? "";
    this.admin = this.hasAttribute("admin");
    this.resized = new ResizeObserver(() => this.#looked());
    this.undrawn = effect(() => this.#rows());
    this.#load();
  }

  teardown() {
    this.resized?.disconnect();
    this.undrawn?.();
  }

  async #load() {
    try {
      const pile = await call("GET", `/exams/${this.exam}/pile`);
      this.items.value = pile.items;
      this.copies.value = pile.copies;
      requestAnimationFrame(() => {
        if (!this.box) return;
        this.resized?.observe(this.box);
        this.#looked();
      });
    } catch (error) {
      this.problem.value = error;
    }
  }

  /** Which rows are in sight. Signals that keep their value draw nothing. */
  #looked() {
    const { box } = this;
    if (!box) return;
    this.high.value = Math.ceil(box.clientHeight / ROW_PX);
    this.first.value = Math.max(0, Math.floor(box.scrollTop / ROW_PX));
    this.body.peek()?.scrolledTo(box.scrollTop);
  }

  /** @param {string} id @param {Partial<Copy>} change */
  #change(id, change) {
    this.copies.value = (this.copies.value ?? []).map((copy) => (copy.id === id ? { ...copy, ...change } : copy));
  }

  view() {
    if (this.problem.value) return note(this.problem.value);
    const copies = this.copies.value;
    if (!copies) return html`<p class="loading" role="status">${t("pile.loading")}</p>`;
    return html`${this.#tools(copies)}${this.rows.value.length ? this.#grid() : this.#nothing()}
      <p class="keys small quiet">${t("pile.keys")}</p>`;
  }

  /** @param {Copy[]} copies */
  #tools(copies) {
    const items = this.items.value;
    const count = (/** @type {Show} */ show) => copies.filter((copy) => matches(copy, items, show)).length;
    return html`<div class="tools">
      <div class="filters" role="group" aria-label=${t("copies.filter")}>
        ${SHOWS.map((show) => html`<button type="button" aria-pressed=${this.show.value === show} @click=${() => this.#choose(show)}>${t(`pile.show.${show}`)} <b>${count(show)}</b></button>`)}
      </div>
      <label class="search">${icon("search")}<span class="unseen">${t("pile.search")}</span>
        <input type="search" placeholder=${t("pile.search")} .value=${this.text.value} @input=${(/** @type {any} */ event) => this.#search(event.target.value)}></label>
      <span class="compare-bar" aria-live="polite">${this.#comparing()}</span>
    </div>`;
  }

  #comparing() {
    const picked = this.#picked();
    if (!picked.length) return nothing;
    return html`<span class="quiet">${n("pile.picked", picked.length)}</span>
      <button type="button" class="button small" @click=${() => { this.picked.value = []; }}>${t("pile.unpick")}</button>
      <button type="button" class="button small solid" ?disabled=${picked.length < 2} @click=${() => this.#compare()}>${icon("columns-2")}${t("pile.compare")}</button>`;
  }

  /** @returns {Copy[]} */
  #picked() {
    return this.picked.value.flatMap((id) => (this.copies.value ?? []).find((copy) => copy.id === id) ?? []);
  }

  #compare() {
    const [left, right] = this.#picked();
    const item = this.items.value[Math.max(0, this.at.value.column - 1)];
    if (left && right && item) compare(left, right, this.items.value, item.item_id);
  }

  #nothing() {
    return html`<div class="empty">${icon("search-x")}<h2>${t("pile.nothing.title")}</h2><p>${t("pile.nothing.text")}</p>
      <button type="button" class="button" @click=${() => { this.#choose("all"); this.text.value = ""; }}>${t("pile.show_all")}</button></div>`;
  }

  #grid() {
    const rows = this.rows.value;
    return html`<div class="grid-box" @scroll=${() => this.#looked()}>
      <table class="grid" role="table" ${styled({ "--items": this.items.value.length, "--rows": rows.length })} aria-rowcount=${rows.length + 1} @focusin=${(/** @type {FocusEvent} */ event) => this.#entered(event)} @keydown=${(/** @type {KeyboardEvent} */ event) => this.#pressed(event)}>
        <caption class="unseen">${t("pile.caption")}</caption>
        ${this.#head()}
        <tbody role="rowgroup" ${given((body) => { this.body.value = new Rows(body, "copy-row", ROW_PX); })}></tbody>
        ${this.#foot()}
      </table>
    </div>`;
  }

  /** Draws the rows in sight: scrolling draws nothing else. */
  #rows() {
    const [body, rows, items] = [this.body.value, this.rows.value, this.items.value];
    const { row, column } = this.at.value;
    const picked = new Set(this.picked.value);
    const first = Math.min(this.first.value, Math.max(0, rows.length - 1));
    const last = Math.min(rows.length, first + this.high.value + 1);
    const about = (/** @type {number} */ at) => [rows[at], items, at === row ? column : -1, picked.has(rows[at].id)];
    body?.show(first, last, about, (at, tr) => {
      tr.className = picked.has(rows[at].id) ? "picked" : "";
      return this.#row(rows[at], at);
    });
  }

  #head() {
    const groups = grouped(this.items.value);
    const before = 2 + Number(this.admin);
    return html`<thead role="rowgroup">
      ${groups.length > 1 ? html`<tr class="groups" role="row"><td class="id" role="cell" ${styled({ "--span": before })}></td>
        ${groups.map(({ label, count }) => (label ? html`<th role="columnheader" scope="colgroup" aria-colspan=${count} title=${label} ${styled({ "--span": count })}>${label}</th>` : html`<td role="cell" ${styled({ "--span": count })}></td>`))}<td role="cell"></td></tr>` : nothing}
      <tr class="heads" role="row">${this.#sortable("id", t("copies.id"), "id")}${this.#sortable("status", t("copies.state"), "state-of")}
        ${this.admin ? this.#sortable("marker", t("copies.marker"), "marker") : nothing}
        ${this.items.value.map((item, index) => this.#sortable(`item:${item.item_id}`, String(index + 1), "item", item))}
        ${this.#sortable("total", t("pile.total"), "in-all")}</tr>
    </thead>`;
  }

  /** @param {string} column @param {string} text @param {string} kind @param {Item} [item] */
  #sortable(column, text, kind, item) {
    const { column: by, down } = this.sort.value;
    const mine = by === column;
    const label = item ? `${text}. ${item.path.join(" · ")}` : text;
    return html`<th role="columnheader" scope="col" class=${kind} aria-sort=${mine ? (down ? "descending" : "ascending") : nothing}>
      <button type="button" title=${item ? label : nothing} @click=${() => this.#sortBy(column)}>
        <span aria-hidden=${item ? "true" : nothing}>${text}</span>${item ? html`<small aria-hidden="true">/${points(item.points)}</small><span class="unseen">${label}</span>` : nothing}
        ${mine ? icon(down ? "arrow-down" : "arrow-up") : nothing}</button></th>`;
  }

  /** @param {Copy} copy @param {number} index */
  #row(copy, index) {
    const here = this.at.value.row === index;
    const tab = (/** @type {number} */ column) => (here && this.at.value.column === column ? 0 : -1);
    const picked = this.picked.value.includes(copy.id);
    return html`<th role="rowheader" scope="row" class="id"><span>
        <input type="checkbox" tabindex=${here ? 0 : -1} .checked=${picked} aria-label=${t("pile.pick", { id: copy.anonymous_id })} @change=${() => this.#pick(copy.id)}>
        <a class="code" href="/copies/${copy.id}" tabindex=${tab(0)} data-cell="${index}:0">${copy.anonymous_id}</a>
        <button type="button" class="flag" tabindex=${here ? 0 : -1} aria-pressed=${copy.flagged} title=${copy.note || t("pile.flag")} @click=${() => this.#flag(copy)}>${icon("flag")}<span class="unseen">${t("pile.flag")} ${copy.anonymous_id}</span></button>
      </span></th>
      <td role="cell" class="state-of"><span class="dot ${copy.status.toLowerCase()}" title=${t(`status.${copy.status}`)}></span><span>${t(`status.${copy.status}`)}</span>
        ${this.admin && copy.status === "GRADED" ? html`<button type="button" class="reopen" tabindex=${here ? 0 : -1} title=${t("pile.reopen")} @click=${() => this.#reopen(copy)}>${icon("rotate-ccw")}<span class="unseen">${t("pile.reopen")} ${copy.anonymous_id}</span></button>` : nothing}</td>
      ${this.admin ? html`<td role="cell" class="marker" title=${copy.marker ?? ""}>${copy.marker ?? "–"}</td>` : nothing}
      ${this.items.value.map((item, place) => this.#cell(copy, item, `${index}:${place + 1}`, tab(place + 1)))}
      <td role="cell" class="in-all">${this.#sum(copy)}</td>`;
  }

  /** @param {Copy} copy */
  #sum(copy) {
    const left = missing(copy, this.items.value);
    if (!left) return html`<b>${number.format(sum(copy))}</b>`;
    if (!Object.keys(copy.scores).length) return html`<span class="quiet">–</span>`;
    return html`<small>${n("pile.left", left)}</small> <span class="quiet">${number.format(sum(copy))}</span>`;
  }

  /** @param {Copy} copy @param {Item} item @param {string} place @param {number} tab */
  #cell(copy, item, place, tab) {
    const score = copy.scores[item.item_id];
    const known = score !== undefined;
    return html`<td role="cell" class="score ${known ? `b${band(score, item.points)}` : "none"}"><a href="/copies/${copy.id}/mark?item=${encodeURIComponent(item.item_id)}"
      tabindex=${tab} data-cell=${place}>${known ? points(score) : html`<span aria-hidden="true">·</span><span class="unseen">${t("pile.none")}</span>`}</a></td>`;
  }

  #foot() {
    const rows = this.rows.value.filter((copy) => !missing(copy, this.items.value));
    const mean = rows.length ? rows.reduce((total, copy) => total + sum(copy), 0) / rows.length : null;
    const told = (/** @type {number | null} */ value) => (value === null ? "–" : number.format(value));
    return html`<tfoot role="rowgroup"><tr role="row"><th role="rowheader" scope="row" class="id">${t("pile.mean")}</th><td role="cell" class="quiet" ${styled({ "--span": 1 + Number(this.admin) })}>${n("copies", this.rows.value.length)}</td>
      ${this.means.value.map((each) => html`<td role="cell" class="score">${told(each)}</td>`)}<td role="cell" class="in-all"><b>${told(mean)}</b></td></tr></tfoot>`;
  }

  // Acts

  /** @param {Show} show */
  #choose(show) {
    this.show.value = show;
    this.#top();
  }

  /** @param {string} text */
  #search(text) {
    this.text.value = text;
    this.#top();
  }

  #top() {
    this.at.value = { row: 0, column: this.at.value.column };
    this.box?.scrollTo({ top: 0 });
    this.first.value = 0;
  }

  /** The largest scores and the first ids come first; once more turns it round. @param {string} column */
  #sortBy(column) {
    const { column: before, down } = this.sort.value;
    this.sort.value = { column, down: before === column ? !down : column === "total" || column.startsWith("item:") };
    this.#top();
  }

  /** Two at most: a third takes the place of the first. @param {string} id */
  #pick(id) {
    const picked = this.picked.value;
    this.picked.value = picked.includes(id) ? picked.filter((each) => each !== id) : [...picked.slice(-1), id];
  }

  /** @param {Copy} copy */
  #flag(copy) {
    const put = async (/** @type {boolean} */ flagged, /** @type {string} */ text) => {
      const { note: kept } = await call("PUT", `/copies/${copy.id}/flag`, { flagged, note: text });
      this.#change(copy.id, { flagged, note: kept });
    };
    askText({
      title: t("pile.flag.title", { id: copy.anonymous_id }), lead: t("pile.flag.lead"), label: t("pile.flag.note"), text: copy.note, limit: 500,
      act: t("pile.flag"), send: (text) => put(true, text),
      other: copy.flagged ? { act: t("pile.unflag"), send: () => put(false, "") } : undefined,
    });
  }

  /** @param {Copy} copy */
  #reopen(copy) {
    askText({
      title: t("pile.reopen.title", { id: copy.anonymous_id }), lead: t("pile.reopen.lead"), label: t("pile.reopen.reason"), limit: 500, act: t("pile.reopen"),
      send: async (reason) => {
        const opened = await call("POST", `/copies/${copy.id}/reopen`, reason ? { reason } : {});
        this.#change(copy.id, { status: opened.status });
        say(t("pile.reopened", { id: copy.anonymous_id }));
      },
    });
  }

  /** A cell that was clicked or tabbed to is where arrows go on from. @param {FocusEvent} event */
  #entered(event) {
    const [row, column] = (/** @type {HTMLElement} */ (event.target).getAttribute("data-cell") ?? "").split(":").map(Number);
    const { row: at, column: along } = this.at.value;
    if (row !== undefined && column !== undefined && (row !== at || column !== along)) this.at.value = { row, column };
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (!/** @type {HTMLElement} */ (event.target).closest("[data-cell]") || event.ctrlKey || event.metaKey || event.altKey) return;
    const { row, column } = this.at.value; // focus follows a moment later: keys may be faster
    const copy = this.rows.value[row];
    const page = Math.max(1, this.high.value - 3);
    const steps = /** @type {Record<string, [number, number]>} */ ({
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-page, 0], PageDown: [page, 0],
      Home: [0, -column], End: [0, this.items.value.length],
    });
    const step = steps[event.key];
    if (step) this.#go(row + step[0], column + step[1]);
    else if (copy && event.key.toLowerCase() === "f") this.#flag(copy);
    else if (copy && event.key.toLowerCase() === "x") this.#pick(copy.id);
    else return;
    event.preventDefault();
  }

  /** @param {number} row @param {number} column */
  #go(row, column) {
    const to = {
      row: Math.min(Math.max(row, 0), this.rows.value.length - 1),
      column: Math.min(Math.max(column, 0), this.items.value.length),
    };
    this.at.value = to;
    const { box } = this;
    if (!box) return;
    const head = box.querySelector("thead")?.clientHeight ?? 0;
    const room = box.clientHeight - head - ROW_PX * 2;
    const top = to.row * ROW_PX;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top > box.scrollTop + room) box.scrollTop = top - room;
    this.#looked();
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (this.querySelector(`[data-cell="${to.row}:${to.column}"]`))?.focus({ preventScroll: to.column === 0 }));
  }
}

/** Neighbours that belong to one exercise. @param {Item[]} items */
function grouped(items) {
  /** @type {{label: string, count: number}[]} */
  const groups = [];
  for (const { path } of items) {
    const label = path.length > 1 ? path[0] ?? "" : "";
    const last = groups.at(-1);
    if (last && last.label === label) last.count += 1;
    else groups.push({ label, count: 1 });
  }
  return groups;
}

customElements.define("pile-grid", PileGrid);
