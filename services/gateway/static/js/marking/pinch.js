// @ts-check
/**
 * Two fingers on the paper zoom about the point between them and move it along; never while a pen is down: then they are
 * a palm. Loaded with the first touch: without a network at that moment the paper is zoomed by its buttons.
 */
import { pens } from "./hand.js";
import * as S from "./store.js";

/** @typedef {{x: number, y: number, apart: number}} Fingers  px in the window: the point between them, how far apart */

const stage = /** @type {HTMLElement} */ (document.querySelector(".stage"));
let over = new AbortController();

stage.addEventListener("touchstart", begin, { passive: false });
stage.addEventListener("touchend", begin);
stage.addEventListener("touchcancel", begin);
stage.addEventListener("pointerdown", (event) => event.pointerType === "pen" && over.abort());

/** With each change of how many fingers there are. @param {TouchEvent} event */
function begin(event) {
  over.abort();
  if (event.touches.length !== 2 || pens.size) return;
  if (event.cancelable) event.preventDefault();
  let now = fingers(event);
  const { x, y, apart } = now;
  const page = document.elementFromPoint(x, y)?.closest("mark-page") ?? /** @type {HTMLElement} */ (stage.querySelector("mark-page"));
  const { left, top, width, height } = page.getBoundingClientRect();
  const [across, down] = [(x - left) / width, (y - top) / height];
  const zoom = S.zoom.peek();
  let frame = 0;
  const draw = () => {
    frame = 0;
    S.setZoom((zoom * now.apart) / apart);
    const box = page.getBoundingClientRect();
    stage.scrollBy(box.left + across * box.width - now.x, box.top + down * box.height - now.y);
  };
  over = new AbortController();
  over.signal.addEventListener("abort", () => cancelAnimationFrame(frame));
  stage.addEventListener("touchmove", (moved) => {
    moved.preventDefault();
    now = fingers(moved);
    frame ||= requestAnimationFrame(draw);
  }, { passive: false, signal: over.signal });
}

/** @param {TouchEvent} event @returns {Fingers} */
function fingers({ touches: [one, two] }) {
  return {
    x: (one.clientX + two.clientX) / 2, y: (one.clientY + two.clientY) / 2,
    apart: Math.max(1, Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY)),
  };
}
