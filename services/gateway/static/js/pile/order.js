// @ts-check
/** Which copies of a pile are shown, in which order, and what they say together. Pure. */

/** @typedef {{item_id: string, path: string[], points: string, bonus: boolean}} Item */
/**
 * @typedef {{id: string, anonymous_id: string, status: string, marker: string | null, scores: Record<string, string>,
 *   total: string | null, flagged: boolean, note: string, annotations: number}} Copy
 */
/** @typedef {"all" | "missing" | "done" | "flagged"} Show */

/** What is given so far; the total of a copy that has all its scores. @param {Copy} copy */
export function sum(copy) {
  if (copy.total !== null) return Number(copy.total);
  return round(Object.values(copy.scores).reduce((total, score) => total + Number(score), 0));
}

/** @param {Copy} copy @param {Item[]} items */
export function missing(copy, items) {
  return items.filter((item) => !(item.item_id in copy.scores)).length;
}

/**
 * @param {Copy[]} copies @param {Item[]} items
 * @param {{show: Show, text: string}} wanted `text` in the anonymous id, the marker's name or the note
 */
export function chosen(copies, items, { show, text }) {
  const sought = text.trim().toLocaleLowerCase();
  const said = (/** @type {Copy} */ copy) => `${copy.anonymous_id} ${copy.marker ?? ""} ${copy.note}`.toLocaleLowerCase();
  return copies.filter((copy) => matches(copy, items, show) && (!sought || said(copy).includes(sought)));
}

/** @param {Copy} copy @param {Item[]} items @param {Show} show */
export function matches(copy, items, show) {
  if (show === "missing") return missing(copy, items) > 0;
  if (show === "done") return copy.status === "GRADED";
  return show === "flagged" ? copy.flagged : true;
}

/**
 * Sorted by one column; what has no value comes last either way, and equals stay in the order of their ids.
 * @param {Copy[]} copies @param {string} column `id`, `status`, `marker`, `total`, or an item's id after `item:`
 * @param {boolean} down the largest first
 */
export function sorted(copies, column, down) {
  const value = reader(column);
  const sign = down ? -1 : 1;
  return copies.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null) || byId(a, b);
    const order = typeof left === "string" ? left.localeCompare(String(right)) : left - Number(right);
    return sign * order || byId(a, b);
  });
}

/** @param {Copy} a @param {Copy} b */
const byId = (a, b) => (a.anonymous_id < b.anonymous_id ? -1 : 1);

const STATES = ["READY", "LOCKED", "GRADING_FAILED", "GRADING_IN_PROGRESS", "GRADED"];

/** @param {string} column @returns {(copy: Copy) => string | number | null} */
function reader(column) {
  if (column === "id") return (copy) => copy.anonymous_id;
  if (column === "status") return (copy) => STATES.indexOf(copy.status);
  if (column === "marker") return (copy) => copy.marker;
  if (column === "total") return (copy) => (Object.keys(copy.scores).length ? sum(copy) : null);
  const item = column.slice("item:".length);
  return (copy) => (item in copy.scores ? Number(copy.scores[item]) : null);
}

/** Mean score of an item over the copies that have one; null of none. @param {Copy[]} copies @param {string} item */
export function meanOf(copies, item) {
  const scores = copies.filter((copy) => item in copy.scores).map((copy) => Number(copy.scores[item]));
  return scores.length ? scores.reduce((total, score) => total + score, 0) / scores.length : null;
}

/** How much of its points a score is: 0 nothing, 1–3 less than a third, two thirds, all of them, 4 all. */
export function band(/** @type {string} */ score, /** @type {string} */ points) {
  const share = Number(points) ? Number(score) / Number(points) : 1;
  if (share <= 0) return 0;
  if (share >= 1) return 4;
  return share < 1 / 3 ? 1 : share < 2 / 3 ? 2 : 3;
}

/** To thousandths, as points are: a sum of decimals in binary is off by less. */
const round = (/** @type {number} */ value) => Math.round(value * 1000) / 1000;
