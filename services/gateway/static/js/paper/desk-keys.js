// @ts-check
/** The staging desk by keyboard. Single letters work only while a page has the focus (WCAG 2.1.4). */
import { html } from "../core/island.js";
import { known, t } from "../core/words.js";

const KEYS = [
  ["arrows", "staging.keys.go"], ["Space", "staging.keys.pick"], ["Enter", "staging.keys.zoom"],
  ["O", "staging.keys.approve"], ["N", "staging.keys.doubtful"], ["R", "staging.keys.turn"],
  ["Delete", "staging.keys.drop"], ["C", "staging.keys.cut"], ["M", "staging.keys.merge"],
  ["Alt ←→", "staging.keys.move"], ["X", "staging.keys.take"], ["V", "staging.keys.put"],
  ["A", "staging.keys.staple"], ["Ctrl Z", "staging.keys.undo"], ["Escape", "staging.keys.clear"],
  ["?", "staging.keys.help"],
];

/** What `deskKeys` understands, in words. */
export function deskHelp() {
  const shown = (/** @type {string} */ key) => html`<kbd>${known(`staging.key.${key}`, key)}</kbd>`;
  return html`<dialog class="keys" aria-labelledby="keys-title"><h2 id="keys-title">${t("staging.keys")}</h2>
    <dl>${KEYS.map(([keys, word]) => html`<div><dt>${keys.split(" ").map(shown)}</dt><dd>${t(word)}</dd></div>`)}</dl>
    <form method="dialog" class="acts"><button class="button solid">${t("staging.close")}</button></form></dialog>`;
}

/** @param {any} desk the <staging-desk>  @returns {(event: KeyboardEvent) => void} */
export function deskKeys(desk) {
  const { pile } = desk;
  const subject = () => new Set(desk.subject());
  const booklets = () => pile.touched(desk.subject()).map((/** @type {any} */ each) => each.id);
  const pages = () => desk.shown.value.flatMap((/** @type {any} */ each) => each.pages);

  /** @param {number} by pages onward */
  const go = (by, event = /** @type {KeyboardEvent|null} */ (null)) => {
    const all = pages();
    const at = all.findIndex((/** @type {any} */ page) => page.id === desk.current.value);
    const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
    if (!next) return undefined;
    if (event?.shiftKey) {
      desk.anchor ??= desk.current.value;
      desk.pickTo(next.id);
    }
    return desk.focusPage(next.id);
  };

  /** @param {number} by booklets onward  @param {(booklet: any) => boolean} wanted */
  const goBooklet = (by, wanted = () => true) => {
    const all = desk.shown.value;
    const at = all.findIndex((/** @type {any} */ each) => each.pages.some((/** @type {any} */ page) => page.id === desk.current.value));
    const rest = by > 0 ? all.slice(at + 1) : all.slice(0, Math.max(0, at)).reverse();
    const next = rest.find(wanted);
    return next && desk.focusPage(next.pages[0].id);
  };

  /** One place on within the booklet, or over its edge into the next one. @param {-1|1} by */
  const shift = (by) => {
    const page = desk.current.value;
    const booklet = pile.bookletOf(page);
    const at = booklet.pages.findIndex((/** @type {any} */ each) => each.id === page);
    const to = at + by;
    if (to >= 0 && to < booklet.pages.length) {
      const before = booklet.pages[by > 0 ? to + 1 : to]?.id ?? null;
      return desk.attempt(() => pile.move([page], booklet.id, before));
    }
    const all = desk.shown.value;
    const neighbour = all[all.findIndex((/** @type {any} */ each) => each.id === booklet.id) + by];
    if (!neighbour || neighbour.copy_id || neighbour.set_aside) return undefined;
    return desk.attempt(() => pile.move([page], neighbour.id, by > 0 ? neighbour.pages[0].id : null));
  };

  const merge = () => {
    const ids = booklets();
    const all = desk.shown.value;
    const before = all[all.findIndex((/** @type {any} */ each) => each.id === ids[0]) - 1];
    const wanted = ids.length > 1 || !before ? ids : [before.id, ids[0]];
    return wanted.length > 1 && desk.attempt(() => pile.merge(wanted));
  };

  const drop = () => {
    const wanted = subject();
    const dropped = pages().filter((/** @type {any} */ page) => wanted.has(page.id)).every((/** @type {any} */ page) => page.dropped);
    return desk.attempt(() => pile.drop(wanted, !dropped));
  };

  const doubtful = (/** @type {any} */ each) => each.doubts.length > 0 && !each.copy_id && !each.set_aside;
  /** @type {Record<string, (event: KeyboardEvent) => unknown>} */
  const onPage = {
    ArrowRight: (event) => go(1, event), ArrowLeft: (event) => go(-1, event),
    ArrowDown: () => goBooklet(1), ArrowUp: () => goBooklet(-1),
    Home: () => go(-Infinity), End: () => go(Infinity),
    " ": () => desk.pick(desk.current.value, true), Enter: () => desk.zoom(desk.current.value),
    n: () => goBooklet(1, doubtful), p: () => goBooklet(-1, doubtful),
    o: () => desk.attempt(() => pile.approve(booklets())).then(() => goBooklet(1, doubtful)),
    r: () => desk.attempt(() => pile.turn(subject(), 90)), R: () => desk.attempt(() => pile.turn(subject(), 270)),
    Delete: drop, Backspace: drop, c: () => desk.attempt(() => pile.split(desk.current.value)), m: merge,
    x: () => desk.take(), v: () => desk.put(false), V: () => desk.put(true),
    a: () => desk.attempt(() => pile.staple(booklets())), "?": () => desk.help(),
  };

  // One after the other, however fast they come: each is about what the one before has left.
  let line = Promise.resolve();
  return (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("dialog, input:not([type=checkbox]), select, textarea")) return;
    let act;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") act = () => desk.undo();
    else if (event.key === "Escape") act = () => desk.clear();
    else if (!target.closest(".page") || event.ctrlKey || event.metaKey) return;
    else if (event.altKey) act = event.key === "ArrowLeft" ? () => shift(-1) : event.key === "ArrowRight" ? () => shift(1) : null;
    else act = onPage[event.key];
    if (!act) return;
    event.preventDefault();
    const run = act;
    line = line.then(() => run(event)).then(() => undefined, reportError);
  };
}
