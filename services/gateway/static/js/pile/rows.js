// @ts-check
/**
 * The rows of a long table that are in sight: no others are in the page. Those that leave at one edge come in again at
 * the other, by their position alone: to move an element costs as much as to make it. So `aria-owns` tells their order.
 *
 * A browser scrolls by itself, ahead of all scripts. So the rows stand still on screen (`position: sticky`) and are moved
 * by as much as the script knows was scrolled: they may be late, but there is never a gap.
 */
import { render } from "../core/island.js";

/** @typedef {{row: HTMLTableRowElement, about: unknown[]}} Shown */

export class Rows {
  /** By their place in the list. @type {Map<number, Shown>} */
  #shown = new Map();

  #count = 0;

  /** @param {HTMLElement} body a <tbody> of this object alone  @param {string} name of its rows' ids  @param {number} row_px */
  constructor(body, name, row_px) {
    this.body = body;
    this.name = name;
    this.row_px = row_px;
  }

  /**
   * Show rows `first` to `last` (not included); one is drawn again only if what it is about has changed.
   * @param {number} first @param {number} last
   * @param {(at: number) => unknown[]} about
   * @param {(at: number, row: HTMLTableRowElement) => unknown} draw its cells
   */
  show(first, last, about, draw) {
    const free = [];
    for (const [at, each] of this.#shown) {
      if (at >= first && at < last) continue;
      this.#shown.delete(at);
      free.push(each);
    }
    const order = [];
    for (let at = first; at < last; at++) {
      const each = this.#shown.get(at) ?? this.#put(at, free.pop()?.row ?? this.#made());
      const now = about(at);
      if (!same(each.about, now)) render(draw(at, each.row), each.row);
      each.about = now;
      order.push(each.row.id);
    }
    for (const { row } of free) row.remove();
    this.body.setAttribute("aria-owns", order.join(" "));
  }

  /** @param {number} px */
  scrolledTo(px) {
    this.body.style.setProperty("translate", `0 ${-px}px`);
  }

  #made() {
    const row = document.createElement("tr");
    row.role = "row";
    row.id = `${this.name}-${this.#count++}`;
    this.body.append(row);
    return row;
  }

  /** @param {number} at @param {HTMLTableRowElement} row new, or one that left */
  #put(at, row) {
    // Another copy stands there now: no key may reach it by surprise.
    if (row.contains(document.activeElement)) /** @type {HTMLElement} */ (document.activeElement).blur();
    row.ariaRowIndex = String(at + 2);
    row.dataset.row = String(at);
    row.style.setProperty("inset-block-start", `${at * this.row_px}px`);
    const shown = { row, about: [] };
    this.#shown.set(at, shown);
    return shown;
  }
}

/** @param {unknown[]} before @param {unknown[]} now */
const same = (before, now) => before.length === now.length && now.every((each, at) => each === before[at]);
