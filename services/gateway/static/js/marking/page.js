// @ts-check
/**
 * <mark-page data-n>: one page of the copy with what is marked on it. Three layers: the ink that is dry, the stroke under
 * the pen (its own SVG, so that a pen event repaints nothing else), and the words.
 */
import { Island, html, nothing, repeat, signal, styled } from "../core/island.js";
import { t } from "../core/words.js";
import { box, colourOf, hit, inside, layer, noteAt, noted, placed } from "./drawing.js";
import { bounds, curve, ribbon, share, simplified, toShares } from "./ink.js";
import * as S from "./store.js";

/** @typedef {import("./types.js").Annotation} Annotation */
/** @typedef {{moved?: string, dx?: number, dy?: number, gone?: Set<string>, rect?: {x: number, y: number, w: number, h: number}}} Doing */

const LEAST_MOVE = 2; // less is a tap
const CHUNK = 48; // points of a wet stroke that are drawn again with every event; earlier ones are left as they are
let penSeen = false; // once there is a stylus, fingers only move the paper

class MarkPage extends Island {
  number = 1;
  doing = signal(/** @type {Doing} */ ({}));
  rect = new DOMRect();
  fingers = new Set();

  setup() {
    this.number = Number(this.dataset.n);
    this.addEventListener("pointerdown", (event) => this.down(event));
    // While a pointer is captured its clicks come here, not to the note.
    this.addEventListener("dblclick", () => {
      const mark = this.marks.find((each) => each.id === S.selected.peek());
      if (mark && S.tool.peek() === "select") edit(mark);
    });
    for (const over of ["pointerup", "pointercancel"]) {
      this.addEventListener(over, (event) => this.fingers.delete(/** @type {PointerEvent} */ (event).pointerId));
    }
  }

  get height() {
    return S.heightOf(this.number);
  }

  /** @returns {Annotation[]} */
  get marks() {
    return S.onPage.value.get(this.number) ?? [];
  }

  /** Where an event is, in thousandths of the page's width. @param {PointerEvent} event  @returns {[number, number]} */
  at(event) {
    return [((event.clientX - this.rect.left) / this.rect.width) * 1000, ((event.clientY - this.rect.top) / this.rect.width) * 1000];
  }

  /** @param {PointerEvent} event */
  down(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.button !== 0 || target.closest("comment-composer, .grip")) return;
    penSeen ||= event.pointerType === "pen";
    if (event.pointerType === "touch") this.fingers.add(event.pointerId);
    this.rect = this.getBoundingClientRect();
    if (event.pointerType === "touch" && (penSeen || this.fingers.size > 1) && S.tool.peek() !== "select") return this.pan(event);
    const [x, y] = this.at(event);
    const note = target.closest(".said");
    const pointed = note instanceof HTMLElement ? this.marks.find((mark) => mark.id === note.dataset.id) : undefined;
    const mark = pointed ?? this.marks.findLast((each) => hit(each, this.height, x, y));
    if (!S.writable.peek()) {
      S.selected.value = mark?.id ?? "";
      return undefined;
    }
    if (S.armed.peek()) return this.putArmed(event, x, y);
    if (S.composer.peek()) {
      S.composer.value = null;
      return undefined;
    }
    if (S.tool.peek() === "select") return this.grab(event, mark, x, y);
    event.preventDefault();
    S.selected.value = "";
    if (S.tool.peek() === "pen") return this.draw(event);
    if (S.tool.peek() === "eraser") return this.wipe(event, mark);
    return this.stamp(event, x, y);
  }

  /** @param {PointerEvent} event @param {number} x @param {number} y */
  putArmed(event, x, y) {
    event.preventDefault();
    const comment = S.armed.peek();
    S.add({ page: this.number, type: "comment", colour: S.colour.peek(), ...this.shares(x, y), content: comment.text, score_delta: comment.points, comment_id: comment.id });
    S.armed.value = null;
  }

  /** @param {PointerEvent} event @param {Annotation | undefined} mark @param {number} x @param {number} y */
  grab(event, mark, x, y) {
    S.selected.value = mark?.id ?? "";
    if (!mark) return;
    if (mark.item_id && S.itemOf.peek().has(mark.item_id)) S.active.value = mark.item_id;
    event.preventDefault();
    let [dx, dy] = [0, 0];
    this.drag(event, (px, py) => {
      [dx, dy] = [px - x, py - y];
      this.doing.value = { moved: mark.id, dx, dy };
    }, () => {
      this.doing.value = {};
      if (Math.hypot(dx, dy) > LEAST_MOVE) shift(mark, dx, dy, this.height);
    });
  }

  /** @param {PointerEvent} event @param {Annotation | undefined} first */
  wipe(event, first) {
    const gone = new Set(first ? [first.id] : []);
    this.doing.value = { gone };
    this.drag(event, (x, y, moved) => {
      const note = document.elementFromPoint(moved.clientX, moved.clientY)?.closest(".said");
      const under = this.marks.filter((mark) => hit(mark, this.height, x, y) || (note instanceof HTMLElement && note.dataset.id === mark.id));
      under.forEach((mark) => gone.add(mark.id));
      this.doing.value = { gone };
    }, () => {
      this.doing.value = {};
      S.erase(gone);
    });
  }

  /** A stamp where one taps, or a box as large as one draws it. @param {PointerEvent} event @param {number} x @param {number} y */
  stamp(event, x, y) {
    const type = /** @type {Annotation["type"]} */ (S.tool.peek());
    if (type === "tick" || type === "cross") {
      S.add({ page: this.number, type, colour: type === "tick" ? "green" : "red", ...this.shares(x, y) });
      return;
    }
    if (type === "comment") {
      S.composer.value = { page: this.number, x: share(x, 1000), y: share(y, this.height), item: S.active.peek(), text: "", delta: 0 };
      return;
    }
    this.drag(event, (px, py) => {
      this.doing.value = { rect: { x: Math.min(x, px), y: Math.min(y, py), w: Math.abs(px - x), h: Math.abs(py - y) } };
    }, () => {
      const rect = this.doing.peek().rect;
      this.doing.value = {};
      if (!rect || rect.w < 8) {
        if (type === "bonus") S.selected.value = S.add({ page: this.number, type, colour: "green", ...this.shares(x, y) });
        return;
      }
      const colour = type === "highlight" ? null : type === "bonus" ? "green" : "red";
      const size = { w: share(rect.w, 1000), h: share(Math.max(rect.h, 6), this.height) };
      S.add({ page: this.number, type, colour, ...this.shares(rect.x, rect.y), ...size });
    });
  }

  /** The stroke under the pen bypasses all rendering: one attribute a frame. @param {PointerEvent} event */
  draw(event) {
    const wet = /** @type {SVGElement} */ (this.querySelector(".wet"));
    const pressed = event.pointerType === "pen" && event.pressure > 0 && event.pressure !== 0.5;
    const colour = S.colour.peek();
    const line = this.at(event).map(clean);
    const pressures = pressed ? [event.pressure] : [];
    let from = 0;
    let frame = 0;
    let path = begin();
    function begin() {
      const made = document.createElementNS("http://www.w3.org/2000/svg", "path");
      made.setAttribute("class", `ink pen ${colour}${pressed ? " pressed" : ""}`);
      wet.append(made);
      return made;
    }
    const paint = () => {
      frame = 0;
      const part = line.slice(2 * from);
      path.setAttribute("d", pressed ? ribbon(part, pressures.slice(from)) : curve(part));
      if (part.length / 2 > CHUNK) {
        from = line.length / 2 - 2;
        path = begin();
      }
    };
    paint();
    this.drag(event, (_x, _y, moved) => {
      const every = moved.getCoalescedEvents?.() ?? [];
      for (const each of every.length ? every : [moved]) {
        const [x, y] = this.at(each).map(clean);
        if (Math.hypot(x - line[line.length - 2], y - line[line.length - 1]) < 0.4) continue;
        line.push(x, y);
        if (pressed) pressures.push(each.pressure);
      }
      frame ||= requestAnimationFrame(paint);
    }, (kept) => {
      cancelAnimationFrame(frame);
      if (kept) this.dry(line, pressures);
      wet.replaceChildren();
    });
  }

  /** @param {number[]} line @param {number[]} pressures */
  dry(line, pressures) {
    const stroke = simplified(line, pressures);
    const area = bounds(stroke.line);
    S.add({
      page: this.number,
      type: "pen",
      colour: S.colour.peek(),
      ...this.shares(area.x, area.y),
      w: share(area.w, 1000),
      h: share(area.h, this.height),
      points: [/** @type {[number, number][]} */ (toShares(stroke.line, this.height))],
      ...(stroke.pressures.length ? { pressures: [stroke.pressures] } : {}),
    });
  }

  /** @param {number} x @param {number} y */
  shares(x, y) {
    return { x: share(x, 1000), y: share(y, this.height) };
  }

  /**
   * Follow one pointer. A second finger ends it: what was begun is dropped and the paper moves instead.
   * @param {PointerEvent} event
   * @param {(x: number, y: number, event: PointerEvent) => void} moved
   * @param {(kept: boolean) => void} ended
   */
  drag(event, moved, ended) {
    const over = new AbortController();
    const own = (/** @type {(event: PointerEvent) => void} */ act) => (/** @type {PointerEvent} */ each) => {
      if (each.pointerId === event.pointerId) act(each);
    };
    const end = (/** @type {boolean} */ kept) => {
      over.abort();
      ended(kept);
    };
    this.setPointerCapture(event.pointerId);
    this.addEventListener("pointermove", own((each) => moved(...this.at(each), each)), { signal: over.signal });
    this.addEventListener("pointerup", own(() => end(true)), { signal: over.signal });
    this.addEventListener("pointercancel", own(() => end(false)), { signal: over.signal });
    if (event.pointerType === "touch") {
      this.addEventListener("pointerdown", () => this.fingers.size > 1 && end(false), { signal: over.signal });
    }
  }

  /** @param {PointerEvent} event */
  pan(event) {
    const stage = /** @type {HTMLElement} */ (this.closest(".stage"));
    let [x, y] = [event.clientX, event.clientY];
    this.drag(event, (_x, _y, moved) => {
      stage.scrollBy(x - moved.clientX, y - moved.clientY);
      [x, y] = [moved.clientX, moved.clientY];
    }, () => {});
  }

  /** @param {Annotation} mark */
  note(mark) {
    const { moved, dx = 0, dy = 0, gone } = this.doing.value;
    const { x, y } = noteAt(mark, this.height);
    const state = `${S.selected.value === mark.id ? " chosen" : ""}${gone?.has(mark.id) ? " gone" : ""}`;
    const [left, top] = moved === mark.id ? [x + dx, y + dy] : [x, y];
    const code = mark.item_id ? (S.itemOf.value.get(mark.item_id)?.ref ?? "") : "";
    return html`<button type="button" class=${`said ${mark.type} ${colourOf(mark)}${state}`} data-id=${mark.id}
      ${styled(placed(left, top, this.height, mark))}
      @focus=${() => { S.selected.value = mark.id; }}
      @click=${(/** @type {MouseEvent} */ event) => event.detail === 0 && edit(mark)}>${inside(mark, code)}</button>`;
  }

  grip() {
    const mark = this.marks.find((each) => each.id === S.selected.value);
    if (!mark || !S.writable.value || this.doing.value.moved) return nothing;
    const corner = noted(mark) ? noteAt(mark, this.height) : box(mark, this.height);
    return html`<div class="grip" role="group" aria-label=${t("desk.chosen")} ${styled({ "--x": `${Math.min(corner.x, 800) / 10}%`, "--y": `${(100 * corner.y) / this.height}%` })}>
      <button type="button" @click=${() => edit(mark)}>${t("desk.edit")}</button>
      <button type="button" @click=${() => { S.erase([mark.id]); S.selected.value = ""; }}>${t("desk.delete")}</button></div>`;
  }

  view() {
    const page = S.desk.value?.copy.pages.find((/** @type {any} */ each) => each.page_no === this.number);
    if (!page) return nothing;
    const { copy } = /** @type {any} */ (S.desk.value);
    const { moved, dx, dy, gone, rect } = this.doing.value;
    const state = (/** @type {Annotation} */ mark) => /** @type {[string, string]} */ ([
      `${S.selected.value === mark.id ? "chosen" : ""}${gone?.has(mark.id) ? " gone" : ""}`,
      moved === mark.id ? `translate(${dx} ${dy})` : "",
    ]);
    const view = `0 0 1000 ${this.height}`;
    return html`<figure class=${`page with-${S.writable.value ? (S.armed.value ? "armed" : S.tool.value) : "nothing"}${S.dim.value ? " dim" : ""}`}>
      <img src=${`/api/v1/copies/${copy.id}/pages/${this.number}?size=screen&v=${copy.revision}`} width=${page.width_px} height=${page.height_px}
        alt=${t("copy.page_of", { page: this.number, pages: copy.page_count })} loading=${this.number > 2 ? "lazy" : "eager"} draggable="false">
      <svg class="layer" viewBox=${view} aria-hidden="true">${layer(this.marks, this.height, state)}</svg>
      <svg class="layer wet" viewBox=${view} aria-hidden="true"></svg>
      ${rect ? html`<div class=${`rubber ${S.tool.value}`} ${styled({ "--x": `${rect.x / 10}%`, "--y": `${(100 * rect.y) / this.height}%`, "--w": `${rect.w / 10}%`, "--h": `${(100 * rect.h) / this.height}%` })}></div>` : nothing}
      <div class="notes">${repeat(this.marks.filter(noted), (mark) => mark.id, (mark) => this.note(mark))}${this.grip()}
        ${S.composer.value?.page === this.number ? html`<comment-composer></comment-composer>` : nothing}</div>
      <figcaption>${page.header_masked ? `${t("copy.masked")} · ` : ""}${this.number} / ${copy.page_count}</figcaption></figure>`;
  }
}

/** @param {number} value */
const clean = (value) => Math.round(value * 100) / 100;

/** Move a mark on its page. @param {Annotation} mark @param {number} dx @param {number} dy @param {number} height */
export function shift(mark, dx, dy, height) {
  const moved = mark.points?.map((stroke) => stroke.map(([x, y]) => /** @type {[number, number]} */ ([share(x * 1000 + dx, 1000), share(y * height + dy, height)])));
  S.change(mark, { x: share(mark.x * 1000 + dx, 1000), y: share(mark.y * height + dy, height), ...(moved?.length ? { points: moved } : {}) });
}

/** Write a mark's words again. @param {Annotation} mark */
export function edit(mark) {
  if (!S.writable.peek()) return;
  const corner = noteAt(mark, S.heightOf(mark.page));
  S.composer.value = {
    page: mark.page, x: share(corner.x, 1000), y: share(corner.y, S.heightOf(mark.page)), mark, text: mark.content ?? "",
    item: mark.item_id ?? "", delta: Math.round(Number(mark.score_delta ?? 0) * 1000), comment: mark.comment_id ?? undefined,
  };
}

customElements.define("mark-page", MarkPage);
