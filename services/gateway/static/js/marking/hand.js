// @ts-check
/** What a pointer does on the pages: draw, stamp, erase, choose, move. One listener for all pages. */
import { hit } from "./drawing.js";
import { bounds, curve, ribbon, share, simplified, toShares } from "./ink.js";
import { edit, shift } from "./page.js";
import * as S from "./store.js";

/** @typedef {import("./types.js").Annotation} Annotation */
/** @typedef {import("./page.js").MarkPage} MarkPage */
/** @typedef {[number, number]} Place in thousandths of the page's width */

const LEAST_MOVE = 2; // less is a tap
const LEAST_BOX = 8;
const LEAST_STEP = 0.4; // between two points of a stroke
const CHUNK = 48; // points of a wet stroke that are drawn again with every event; earlier ones are left as they are
const NO_PRESSURE = 0.5; // what a device says that does not feel any

const stage = /** @type {HTMLElement} */ (document.querySelector(".stage"));
/** @type {Set<number>} */
const fingers = new Set();
/** Pens that touch the paper. @type {Set<number>} */
export const pens = new Set();
let penSeen = false; // once there is a stylus, fingers only move the paper

stage.addEventListener("pointerdown", (event) => {
  if (event.pointerType === "pen") pens.add(event.pointerId);
  const page = /** @type {HTMLElement} */ (event.target).closest("mark-page");
  if (page) down(/** @type {MarkPage} */ (page), event);
});
for (const over of ["pointerup", "pointercancel"]) {
  stage.addEventListener(over, (event) => {
    const { pointerId } = /** @type {PointerEvent} */ (event);
    fingers.delete(pointerId);
    pens.delete(pointerId);
  });
}
stage.addEventListener("touchstart", () => void import("./pinch.js"), { once: true, passive: true });
// While a pointer is captured its clicks go to the page, not to the words that were pointed at.
stage.addEventListener("dblclick", () => {
  const mark = S.sync.marks.peek().annotations.get(S.selected.peek());
  if (mark && S.tool.peek() === "select") edit(mark);
});

/** @param {MarkPage} page @param {PointerEvent} event */
function down(page, event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const tool = S.tool.peek();
  if (event.button !== 0 || target.closest("comment-composer, .grip")) return;
  penSeen ||= event.pointerType === "pen";
  if (event.pointerType === "touch") {
    fingers.add(event.pointerId);
    if (fingers.size > 1) return; // pinch.js has them
    if (penSeen && tool !== "select") return pan(page, event);
  }
  const at = placing(page)(event);
  const words = target.closest(".said");
  const said = words instanceof HTMLElement ? page.marks.find((mark) => mark.id === words.dataset.id) : undefined;
  const mark = said ?? page.marks.findLast((each) => hit(each, page.height, ...at));
  if (!S.writable.peek()) S.selected.value = mark?.id ?? "";
  else if (S.armed.peek()) putArmed(page, event, at);
  else if (S.composer.peek()) S.composer.value = null;
  else if (tool === "select") grab(page, event, mark, at);
  else {
    event.preventDefault();
    S.selected.value = "";
    if (tool === "pen") draw(page, event, at);
    else if (tool === "eraser") wipe(page, event, mark);
    else stamp(page, event, at);
  }
}

/** @param {MarkPage} page @param {PointerEvent} event @param {Place} at */
function putArmed(page, event, at) {
  event.preventDefault();
  const { text, points, id } = S.armed.peek();
  S.add({ page: page.number, type: "comment", colour: S.colour.peek(), ...shares(page, at), content: text, score_delta: points, comment_id: id });
  S.armed.value = null;
}

/** @param {MarkPage} page @param {PointerEvent} event @param {Annotation | undefined} mark @param {Place} from */
function grab(page, event, mark, from) {
  S.selected.value = mark?.id ?? "";
  if (!mark) return;
  if (mark.item_id && S.itemOf.peek().has(mark.item_id)) S.active.value = mark.item_id;
  event.preventDefault();
  let [dx, dy] = [0, 0];
  drag(page, event, ([x, y]) => {
    [dx, dy] = [x - from[0], y - from[1]];
    page.doing.value = { moved: mark.id, dx, dy };
  }, (kept) => {
    page.doing.value = {};
    if (kept && Math.hypot(dx, dy) > LEAST_MOVE) shift(mark, dx, dy, page.height);
  });
}

/** @param {MarkPage} page @param {PointerEvent} event @param {Annotation | undefined} first */
function wipe(page, event, first) {
  const gone = new Set(first ? [first.id] : []);
  page.doing.value = { gone };
  drag(page, event, ([x, y], moved) => {
    const words = document.elementFromPoint(moved.clientX, moved.clientY)?.closest(".said");
    const id = words instanceof HTMLElement ? words.dataset.id : undefined;
    for (const mark of page.marks) if (mark.id === id || hit(mark, page.height, x, y)) gone.add(mark.id);
    page.doing.value = { gone };
  }, (kept) => {
    page.doing.value = {};
    if (kept) S.erase(gone);
  });
}

/** A stamp where one taps, or a box as large as one draws it. @param {MarkPage} page @param {PointerEvent} event @param {Place} from */
function stamp(page, event, from) {
  const type = /** @type {Annotation["type"]} */ (S.tool.peek());
  const mark = { page: page.number, type, colour: S.inkOf(type), ...shares(page, from) };
  if (type === "tick" || type === "cross") S.add(mark);
  else if (type === "comment") S.composer.value = { page: page.number, ...shares(page, from), item: S.active.peek(), text: "", delta: 0 };
  else {
    drag(page, event, ([x, y]) => {
      page.doing.value = { rect: { x: Math.min(from[0], x), y: Math.min(from[1], y), w: Math.abs(x - from[0]), h: Math.abs(y - from[1]) } };
    }, (kept) => {
      const { rect } = page.doing.peek();
      page.doing.value = {};
      if (!kept) return;
      if (rect && rect.w > LEAST_BOX) {
        const size = { w: share(rect.w, 1000), h: share(Math.max(rect.h, LEAST_BOX), page.height) };
        S.add({ ...mark, ...shares(page, [rect.x, rect.y]), ...size });
      } else if (type === "bonus") S.selected.value = S.add(mark);
    });
  }
}

/** The stroke under the pen bypasses all rendering: one attribute a frame. @param {MarkPage} page @param {PointerEvent} event @param {Place} from */
function draw(page, event, from) {
  const wet = /** @type {SVGElement} */ (page.querySelector(".wet"));
  const pressed = event.pointerType === "pen" && event.pressure > 0 && event.pressure !== NO_PRESSURE;
  const name = `ink pen ${S.colour.peek()}${pressed ? " pressed" : ""}`;
  const place = placing(page);
  const line = [...from];
  const pressures = pressed ? [event.pressure] : [];
  let drawn = 0;
  let frame = 0;
  let path = begin();
  function begin() {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "path");
    made.setAttribute("class", name);
    wet.append(made);
    return made;
  }
  function paint() {
    frame = 0;
    const part = line.slice(2 * drawn);
    path.setAttribute("d", pressed ? ribbon(part, pressures.slice(drawn)) : curve(part));
    if (part.length / 2 <= CHUNK) return;
    drawn = line.length / 2 - 2;
    path = begin();
  }
  paint();
  drag(page, event, (_, moved) => {
    const every = moved.getCoalescedEvents?.() ?? [];
    for (const each of every.length ? every : [moved]) {
      const [x, y] = place(each);
      if (Math.hypot(x - line[line.length - 2], y - line[line.length - 1]) < LEAST_STEP) continue;
      line.push(x, y);
      if (pressed) pressures.push(each.pressure);
    }
    frame ||= requestAnimationFrame(paint);
  }, (kept) => {
    cancelAnimationFrame(frame);
    if (kept) dry(page, line, pressures);
    wet.replaceChildren();
  });
}

/** @param {MarkPage} page @param {number[]} wet @param {number[]} felt */
function dry(page, wet, felt) {
  const { line, pressures } = simplified(wet, felt);
  const { x, y, w, h } = bounds(line);
  const size = { w: share(w, 1000), h: share(h, page.height) };
  const points = [/** @type {[number, number][]} */ (toShares(line, page.height))];
  S.add({ page: page.number, type: "pen", colour: S.colour.peek(), ...shares(page, [x, y]), ...size, points, ...(pressures.length ? { pressures: [pressures] } : {}) });
}

/** @param {MarkPage} page @param {Place} place */
const shares = (page, [x, y]) => ({ x: share(x, 1000), y: share(y, page.height) });

/** Where events are on a page that does not move meanwhile. @param {MarkPage} page  @returns {(event: PointerEvent) => Place} */
function placing(page) {
  const { left, top, width } = page.getBoundingClientRect();
  return (event) => [((event.clientX - left) / width) * 1000, ((event.clientY - top) / width) * 1000];
}

/**
 * Follow one pointer. A second finger ends it: what was begun is dropped and the paper moves instead.
 * @param {MarkPage} page @param {PointerEvent} event
 * @param {(at: Place, event: PointerEvent) => void} moved
 * @param {(kept: boolean) => void} ended
 */
function drag(page, event, moved, ended) {
  const place = placing(page);
  const over = new AbortController();
  const { signal } = over;
  const own = (/** @type {(event: PointerEvent) => void} */ act) => (/** @type {PointerEvent} */ each) => {
    if (each.pointerId === event.pointerId) act(each);
  };
  const end = (/** @type {boolean} */ kept) => {
    over.abort();
    ended(kept);
  };
  page.setPointerCapture(event.pointerId);
  page.addEventListener("pointermove", own((each) => moved(place(each), each)), { signal });
  page.addEventListener("pointerup", own(() => end(true)), { signal });
  page.addEventListener("pointercancel", own(() => end(false)), { signal });
  if (event.pointerType === "touch") stage.addEventListener("pointerdown", () => fingers.size > 0 && end(false), { signal, capture: true });
}

/** @param {MarkPage} page @param {PointerEvent} event */
function pan(page, event) {
  let [x, y] = [event.clientX, event.clientY];
  drag(page, event, (_, moved) => {
    stage.scrollBy(x - moved.clientX, y - moved.clientY);
    [x, y] = [moved.clientX, moved.clientY];
  }, () => {});
}
