// @ts-check
/** What one can do with the selected pages of the staging desk, as a bar at the foot of the window. */
import { confirmed } from "../core/dialog.js";
import { html, icon, nothing } from "../core/island.js";
import { n, t } from "../core/words.js";

/** @param {any} desk the <staging-desk> */
export function selectionBar(desk) {
  const pages = desk.selection();
  const held = desk.held.value.length;
  if (!pages.length && !held) return nothing;
  const chosen = new Chosen(desk.pile, pages);
  return html`<div class="bar-of-acts" role="toolbar" aria-label=${t("staging.bar")}>
    <b>${held ? n("staging.held", held) : chosen.words}</b>
    ${held ? placing(desk, chosen) : acting(desk, chosen)}
    <button class="plain" type="button" title=${t("staging.clear")} aria-label=${t("staging.clear")}
      @click=${() => desk.clear()}>${icon("x")}</button></div>`;
}

/** The selection as acts need to know it. */
class Chosen {
  /** @param {import("./pile.js").Pile} pile  @param {string[]} pages */
  constructor(pile, pages) {
    this.pages = pages;
    this.set = new Set(pages);
    this.booklets = pile.touched(pages);
    this.ids = this.booklets.map((each) => each.id);
    /** None of them is a copy already or was set aside. */
    this.open = this.booklets.every((each) => !each.copy_id && !each.set_aside);
    /** All pages of all of them: one acts on booklets. */
    this.whole = pages.length > 0 && this.booklets.every((each) => each.pages.every((page) => this.set.has(page.id)));
    const shown = this.booklets.flatMap((each) => each.pages).filter((page) => this.set.has(page.id));
    this.dropped = shown.length > 0 && shown.every((page) => page.dropped);
    this.first = this.booklets[0]?.pages[0].id === pages[0];
  }

  get one() {
    return this.pages.length === 1;
  }

  get words() {
    return this.whole ? n("staging.booklets", this.booklets.length) : n("staging.pages", this.pages.length);
  }

  /** @param {string} code */
  doubts(code = "") {
    return this.booklets.some((each) => (code ? each.doubts.includes(code) : each.doubts.length > 0));
  }
}

/** Where pages that were taken shall go. @param {any} desk  @param {Chosen} chosen */
function placing(desk, chosen) {
  if (!chosen.one || !chosen.open) return nothing;
  return html`${button(desk, "arrow-left", "staging.put_before", () => desk.put(false))}
    ${button(desk, "arrow-right", "staging.put_after", () => desk.put(true))}`;
}

/** @param {any} desk  @param {Chosen} chosen */
function acting(desk, chosen) {
  const zoom = chosen.one ? button(desk, "zoom-in", "staging.zoom", async () => desk.zoom(chosen.pages[0])) : nothing;
  if (chosen.open) {
    return html`${onPages(desk, chosen)}${chosen.whole ? onBooklets(desk, chosen) : nothing}${zoom}`;
  }
  const aside = chosen.whole && chosen.booklets.every((each) => each.set_aside);
  const back = () => desk.pile.setAside(chosen.ids, false);
  return html`${aside ? button(desk, "undo-2", "staging.take_back", back) : nothing}${zoom}`;
}

/** @param {any} desk  @param {Chosen} chosen */
function onPages(desk, { set, pages, ids, one, first, whole, dropped }) {
  const { pile } = desk;
  return html`
    ${button(desk, "rotate-ccw", "staging.turn_left", () => pile.turn(set, 270), "bare")}
    ${button(desk, "rotate-cw", "staging.turn_right", () => pile.turn(set, 90), "bare")}
    ${dropped ? button(desk, "undo-2", "staging.restore", () => pile.drop(set, false)) : nothing}
    ${!dropped && (!whole || one) ? button(desk, "trash-2", "staging.drop", () => pile.drop(set, true)) : nothing}
    ${one && !first ? button(desk, "scissors", "staging.cut", () => pile.split(pages[0])) : nothing}
    ${whole ? nothing : button(desk, "hand", "staging.take", async () => desk.take())}
    ${ids.length > 1 ? button(desk, "merge", "staging.merge", () => pile.merge(ids)) : nothing}`;
}

/** @param {any} desk  @param {Chosen} chosen */
function onBooklets(desk, chosen) {
  const { pile } = desk;
  const { ids } = chosen;
  return html`
    ${chosen.doubts() ? button(desk, "check", "staging.approve", () => pile.approve(ids)) : nothing}
    ${button(desk, "paperclip", "staging.staple", () => pile.staple(ids))}
    ${chosen.doubts("no_header") ? button(desk, "eye", "staging.bare", () => stapleBare(desk, ids)) : nothing}
    ${button(desk, "file-plus", desk.late ? "staging.join_this" : "staging.join", () => desk.join(ids))}
    ${button(desk, "archive", "staging.aside", () => pile.setAside(ids, true))}`;
}

/** Markers would see what stands at the top: a person says that no name does. @param {any} desk  @param {string[]} ids */
async function stapleBare(desk, ids) {
  if (await confirmed(n("staging.bare.sure", ids.length))) await desk.pile.staple(ids, true);
}

/**
 * @param {any} desk  @param {string} picture  @param {string} word  @param {() => Promise<any>} act
 * @param {""|"bare"} look  bare: the picture alone
 */
function button(desk, picture, word, act, look = "") {
  return html`<button class="button small" type="button" title=${look ? t(word) : nothing}
    @click=${() => desk.attempt(act)}>${icon(picture)}<span class=${look ? "unseen" : nothing}>${t(word)}</span></button>`;
}
