// @ts-check
/**
 * Pen geometry. Pure. A line is a flat list `[x0, y0, x1, y1, …]` in thousandths of the page's width, as the final PDF
 * draws it, so a stroke covers the same paper in both.
 */

/** How wide a pen line without pressure is. */
export const PEN = 3.4;
/** What pressure 0 and pressure 1 make of the width. */
const THINNEST = 0.45;
const THICKEST = 1.7;
/** How far a simplified line may leave the drawn one: 0.12 mm on A4, below what one sees. */
const TOLERANCE = 0.6;
/** What the API takes in one annotation. */
export const MOST_POINTS = 10_000;

/**
 * Leave out what does not change the line (Ramer–Douglas–Peucker), with the pressure of the points that stay.
 * @param {number[]} line
 * @param {number[]} pressures one per point, or empty
 * @returns {{line: number[], pressures: number[]}}
 */
export function simplified(line, pressures, tolerance = TOLERANCE) {
  const count = line.length / 2;
  const kept = new Uint8Array(count);
  kept[0] = kept[count - 1] = 1;
  const spans = [[0, count - 1]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [from, to] = span;
    let worst = tolerance;
    let at = -1;
    for (let i = from + 1; i < to; i++) {
      const off = away(line[2 * i], line[2 * i + 1], line, from, to);
      if (off > worst) [worst, at] = [off, i];
    }
    if (at > 0) {
      kept[at] = 1;
      spans.push([from, at], [at, to]);
    }
  }
  const left = [...kept.keys()].filter((i) => kept[i]);
  if (left.length > MOST_POINTS) return simplified(line, pressures, tolerance * 2);
  return {
    line: left.flatMap((i) => [tenth(line[2 * i]), tenth(line[2 * i + 1])]),
    pressures: pressures.length ? left.map((i) => Math.round(pressures[i] * 100) / 100) : [],
  };
}

/** A smooth curve through all points (Catmull–Rom as cubics), as the `d` of an SVG path. @param {number[]} line */
export function curve(line) {
  if (line.length === 2) return `M${tenth(line[0])} ${tenth(line[1])}h.01`;
  return `M${tenth(line[0])} ${tenth(line[1])}${cubics(line)}`;
}

/**
 * The outline of a line whose width follows the pressure, as the `d` of a filled SVG path.
 * @param {number[]} line
 * @param {number[]} pressures one per point, in [0, 1]
 */
export function ribbon(line, pressures) {
  const count = line.length / 2;
  if (count === 1) {
    const r = half(pressures[0]);
    return `M${tenth(line[0] - r)} ${tenth(line[1])}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  }
  const [there, back] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  for (let i = 0; i < count; i++) {
    const before = 2 * Math.max(0, i - 1);
    const after = 2 * Math.min(count - 1, i + 1);
    const [dx, dy] = [line[after] - line[before], line[after + 1] - line[before + 1]];
    const scale = half(pressures[i]) / (Math.hypot(dx, dy) || 1);
    there.push(line[2 * i] - dy * scale, line[2 * i + 1] + dx * scale);
    back.unshift(line[2 * i] + dy * scale, line[2 * i + 1] - dx * scale);
  }
  const [tail, head] = [half(pressures[count - 1]), half(pressures[0])];
  return `M${tenth(there[0])} ${tenth(there[1])}${cubics(there)}${round(tail, back[0], back[1])}${cubics(back)}${round(head, there[0], there[1])}z`;
}

/** Smallest box around the points. @param {number[]} line */
export function bounds(line) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < line.length; i += 2) {
    left = Math.min(left, line[i]);
    right = Math.max(right, line[i]);
    top = Math.min(top, line[i + 1]);
    bottom = Math.max(bottom, line[i + 1]);
  }
  return { x: left, y: top, w: right - left, h: bottom - top };
}

/** From a place to the nearest part of the line. @param {number[]} line @param {number} x @param {number} y */
export function distance(line, x, y) {
  let nearest = away(x, y, line, 0, 0);
  for (let i = 0; i + 1 < line.length / 2; i++) nearest = Math.min(nearest, away(x, y, line, i, i + 1));
  return nearest;
}

/** As the API has it: `[x, y]` in shares of the page, never off it. @param {number[]} line @param {number} height */
export function toShares(line, height) {
  const found = [];
  for (let i = 0; i < line.length; i += 2) found.push([share(line[i], 1000), share(line[i + 1], height)]);
  return found;
}

/** @param {number[][]} points @param {number} height the page's, in thousandths of its width */
export const fromShares = (points, height) => points.flatMap(([x, y]) => [x * 1000, y * height]);

/** A length as a share of `whole` in [0, 1]; five decimals are 2 µm on A4. @param {number} length @param {number} whole */
export const share = (length, whole) => Math.round(Math.min(1, Math.max(0, length / whole)) * 1e5) / 1e5;

/** @param {number} pressure */
const half = (pressure) => tenth((PEN * (THINNEST + (THICKEST - THINNEST) * pressure)) / 2);

/** @param {number} value */
const tenth = (value) => Math.round(value * 10) / 10;

/** @param {number} radius @param {number} x @param {number} y */
const round = (radius, x, y) => `A${radius} ${radius} 0 0 1 ${tenth(x)} ${tenth(y)}`;

/** @param {number[]} line */
function cubics(line) {
  const last = line.length / 2 - 1;
  let path = "";
  for (let i = 0; i < last; i++) {
    const [a, b, c, d] = [Math.max(0, i - 1), i, i + 1, Math.min(last, i + 2)].map((each) => 2 * each);
    path += `C${tenth(line[b] + (line[c] - line[a]) / 6)} ${tenth(line[b + 1] + (line[c + 1] - line[a + 1]) / 6)}`;
    path += ` ${tenth(line[c] - (line[d] - line[b]) / 6)} ${tenth(line[c + 1] - (line[d + 1] - line[b + 1]) / 6)}`;
    path += ` ${tenth(line[c])} ${tenth(line[c + 1])}`;
  }
  return path;
}

/** From a place to the part of the line between two of its points. */
function away(/** @type {number} */ x, /** @type {number} */ y, /** @type {number[]} */ line, /** @type {number} */ from, /** @type {number} */ to) {
  const [ax, ay] = [line[2 * from], line[2 * from + 1]];
  const [dx, dy] = [line[2 * to] - ax, line[2 * to + 1] - ay];
  const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(ax + along * dx - x, ay + along * dy - y);
}
