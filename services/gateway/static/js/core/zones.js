// @ts-check
/** Rectangles on a picture, in shares of it: drawn, moved and sized with mouse, pen or finger, or by the arrow keys. */

/** @typedef {{x: number, y: number, w: number, h: number}} Box */

const SMALLEST = 0.02;
const between = (/** @type {number} */ low, /** @type {number} */ value, /** @type {number} */ high) => Math.max(low, Math.min(value, high));

/** The box moved, as far as the picture goes. @template {Box} T @param {T} box @param {number} x @param {number} y @returns {T} */
function placed(box, x, y) {
  return { ...box, x: between(0, x, 1 - box.w), y: between(0, y, 1 - box.h) };
}

/** @template {Box} T @param {T} box @param {number} w @param {number} h @returns {T} */
function sized(box, w, h) {
  return { ...box, w: between(SMALLEST, w, 1 - box.x), h: between(SMALLEST, h, 1 - box.y) };
}

/**
 * A new box from where the pointer goes down. `changed` hears of it once it is more than a touch, `ended` if it was.
 * @param {PointerEvent} event @param {HTMLElement} canvas what lies exactly over the picture
 * @param {(box: Box) => void} changed @param {(box: Box) => void} ended
 */
export function draw(event, canvas, changed, ended) {
  const [x, y] = shares(event, canvas);
  /** @type {Box | null} */
  let box = null;
  event.preventDefault();
  follow(event, canvas, (now) => {
    const [toX, toY] = shares(now, canvas);
    const drawn = { x: Math.min(x, toX), y: Math.min(y, toY), w: Math.abs(toX - x), h: Math.abs(toY - y) };
    if (!box && drawn.w <= SMALLEST) return;
    box = drawn;
    changed(box);
  }, () => {
    if (box) ended(sized(box, box.w, box.h));
  });
}

/**
 * Move a box, or size it when held at an element of class `corner`.
 * @template {Box} T @param {PointerEvent} event @param {HTMLElement} canvas @param {T} box @param {(box: T) => void} changed
 */
export function hold(event, canvas, box, changed) {
  event.stopPropagation();
  const corner = /** @type {HTMLElement} */ (event.target).classList.contains("corner");
  const [x, y] = shares(event, canvas);
  follow(event, canvas, (now) => {
    const [toX, toY] = shares(now, canvas);
    changed(corner ? sized(box, box.w + toX - x, box.h + toY - y) : placed(box, box.x + toX - x, box.y + toY - y));
  }, () => {});
}

/**
 * The box after an arrow key (with Shift: sized), null after any other.
 * @template {Box} T @param {KeyboardEvent} event @param {T} box @param {[number, number]} step @returns {T | null}
 */
export function byKey(event, box, [stepX, stepY]) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!way) return null;
  event.preventDefault();
  const [dx, dy] = [way[0] * stepX, way[1] * stepY];
  return event.shiftKey ? sized(box, box.w + dx, box.h + dy) : placed(box, box.x + dx, box.y + dy);
}

/** Where the pointer is. @param {PointerEvent} event @param {HTMLElement} canvas @returns {[number, number]} */
function shares(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return [between(0, (event.clientX - box.left) / box.width, 1), between(0, (event.clientY - box.top) / box.height, 1)];
}

/** @param {PointerEvent} event @param {HTMLElement} canvas @param {(now: PointerEvent) => void} moved @param {() => void} ended */
function follow(event, canvas, moved, ended) {
  canvas.setPointerCapture(event.pointerId);
  const stop = () => {
    canvas.removeEventListener("pointermove", moved);
    canvas.removeEventListener("pointerup", stop);
    canvas.removeEventListener("pointercancel", stop);
    ended();
  };
  canvas.addEventListener("pointermove", moved);
  canvas.addEventListener("pointerup", stop);
  canvas.addEventListener("pointercancel", stop);
}
