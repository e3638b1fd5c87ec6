// @ts-check
/** Dragging pages by mouse, pen or finger (after a long press), with a bar where they would go. Escape lets go. */
const THRESHOLD_PX = 6;
const LONG_PRESS_MS = 350;
const EDGE_PX = 70;
const SCROLL_PX = 14; // a frame near an edge

/** @typedef {{booklet: string, before: string|null}} Place */

export class PageDrag {
  /** @type {{id: string, x: number, y: number, pointer: number}|null} */
  #pressed = null;
  #timer = 0;
  #frame = 0;
  #at = { x: 0, y: 0 };
  /** @type {HTMLElement|null} */
  #ghost = null;
  /** @type {Place|null} */
  #place = null;
  /** @type {Element|null} */
  #marked = null;
  /** A drag that has just ended: the click that follows it selects nothing. */
  ended = false;

  /**
   * @param {HTMLElement} host
   * @param {{taken: (page: string) => string[], label: (count: number) => string, dropped: (pages: string[], place: Place) => void}} wishes
   */
  constructor(host, wishes) {
    this.wishes = wishes;
    host.addEventListener("pointerdown", this.#down);
    // A finger scrolls until a long press has taken a page; only then is scrolling refused.
    host.addEventListener("touchmove", (event) => { if (this.#ghost && event.cancelable) event.preventDefault(); }, { passive: false });
    host.addEventListener("contextmenu", (event) => { if (this.#ghost) event.preventDefault(); });
    this.stop = () => this.#end();
  }

  #down = (/** @type {PointerEvent} */ event) => {
    const page = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest?.(".page"));
    this.ended = false;
    if (!page || event.button !== 0 || !page.dataset.page || page.closest(".stapled, .aside")) return;
    this.#pressed = { id: page.dataset.page, x: event.clientX, y: event.clientY, pointer: event.pointerId };
    this.#at = { x: event.clientX, y: event.clientY };
    if (event.pointerType === "touch") this.#timer = window.setTimeout(() => this.#start(), LONG_PRESS_MS);
    window.addEventListener("pointermove", this.#move);
    window.addEventListener("pointerup", this.#up);
    window.addEventListener("pointercancel", this.#cancel);
    window.addEventListener("keydown", this.#key, true);
  };

  #move = (/** @type {PointerEvent} */ event) => {
    if (!this.#pressed || event.pointerId !== this.#pressed.pointer) return;
    this.#at = { x: event.clientX, y: event.clientY };
    const far = Math.hypot(event.clientX - this.#pressed.x, event.clientY - this.#pressed.y) > THRESHOLD_PX;
    if (this.#ghost) this.#follow();
    else if (far && event.pointerType === "touch") this.#end(); // it scrolls
    else if (far) this.#start();
  };

  #start() {
    if (!this.#pressed) return;
    this.pages = this.wishes.taken(this.#pressed.id);
    const ghost = document.createElement("div");
    ghost.className = "drag-ghost";
    ghost.textContent = this.wishes.label(this.pages.length);
    document.body.append(ghost);
    document.body.classList.add("dragging");
    this.#ghost = ghost;
    this.#follow();
    this.#scroll();
  }

  #follow() {
    this.#ghost?.style.setProperty("translate", `${this.#at.x + 12}px ${this.#at.y + 12}px`);
    const under = document.elementFromPoint(this.#at.x, this.#at.y);
    const leaf = under?.closest(".leaf");
    const leaves = /** @type {HTMLElement|null} */ (under?.closest(".staged:not(.stapled, .aside)")?.querySelector(".leaves") ?? null);
    this.#marked?.classList.remove("drop-before", "drop-after");
    this.#place = null;
    if (!leaves) return;
    const mark = leaf && leaves.contains(leaf) ? leaf : leaves.lastElementChild;
    const box = mark?.getBoundingClientRect();
    const after = !leaf || (box && this.#at.x > box.left + box.width / 2);
    const next = after ? mark?.nextElementSibling : mark;
    mark?.classList.add(after ? "drop-after" : "drop-before");
    this.#marked = mark ?? null;
    const before = /** @type {HTMLElement|null|undefined} */ (next?.querySelector(".page"));
    this.#place = { booklet: leaves.dataset.booklet ?? "", before: before?.dataset.page ?? null };
  }

  #scroll = () => {
    if (!this.#ghost) return;
    const { y } = this.#at;
    if (y < EDGE_PX) window.scrollBy({ top: -SCROLL_PX, behavior: "instant" });
    else if (y > innerHeight - EDGE_PX) window.scrollBy({ top: SCROLL_PX, behavior: "instant" });
    this.#frame = requestAnimationFrame(this.#scroll);
  };

  #up = () => {
    const { pages } = this;
    const place = this.#ghost && this.#place;
    this.ended = Boolean(this.#ghost);
    this.#end();
    if (place && pages) this.wishes.dropped(pages, place);
  };

  #cancel = () => this.#end();

  #key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !this.#ghost) return;
    event.stopPropagation();
    this.#end();
  };

  #end() {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#marked?.classList.remove("drop-before", "drop-after");
    this.#ghost?.remove();
    this.#ghost = this.#pressed = this.#place = null;
    document.body.classList.remove("dragging");
    window.removeEventListener("pointermove", this.#move);
    window.removeEventListener("pointerup", this.#up);
    window.removeEventListener("pointercancel", this.#cancel);
    window.removeEventListener("keydown", this.#key, true);
  }
}
