// @ts-check
/** The scheme as a flat list of lines with levels, and back. Points are whole thousandths: no float rounds a mark. */

export const DEEPEST = 5; // levels from 0; the service accepts six

/**
 * @typedef {{id: string, level: number, label: string, points: string, bonus: boolean}} Line
 * @typedef {{id: string, label: string, points?: string | null, bonus?: boolean, children?: Node[]}} Node
 */

/** @param {Node[]} nodes  @param {number} [level]  @returns {Line[]} */
export function flatten(nodes, level = 0) {
  return nodes.flatMap((node) => [
    { id: node.id, level, label: node.label, points: node.points ?? "", bonus: node.bonus ?? false },
    ...flatten(node.children ?? [], level + 1),
  ]);
}

/** @param {Line[]} lines  @returns {Node[]} */
export function nest(lines) {
  /** @type {Node[]} */
  const roots = [];
  /** @type {Node[]} */
  const open = [];
  lines.forEach((line, at) => {
    /** @type {Node} */
    const node = { id: line.id, label: line.label.trim() };
    if (isBranch(lines, at)) node.children = [];
    else Object.assign(node, { points: decimal(line.points) || null, bonus: line.bonus });
    open.length = line.level;
    (open.at(-1)?.children ?? roots).push(node);
    open.push(node);
  });
  return roots;
}

/** @param {Line[]} lines @param {number} at  Whether the line at `at` has sub-questions: the next one is deeper. */
export function isBranch(lines, at) {
  return (lines[at + 1]?.level ?? -1) > lines[at].level;
}

/** @param {Line[]} lines @param {number} at  One past the last line below `at`. */
export function endOf(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].level > lines[at].level) end += 1;
  return end;
}

/**
 * Thousandths of a point below `at` (or in all), bonus aside; NaN while something is not a number.
 * @param {Line[]} lines
 * @param {number | null} [at]
 */
export function sum(lines, at = null) {
  const [from, to] = at === null ? [0, lines.length] : [at, endOf(lines, at)];
  let total = 0;
  for (let each = from; each < to; each += 1) {
    if (!isBranch(lines, each) && !lines[each].bonus) total += thousandths(lines[each].points);
  }
  return total;
}

/** @param {string} text "1,25" or "1.25"; nothing counts as 0  @returns {number} */
export function thousandths(text) {
  const written = decimal(text);
  if (written === "") return 0;
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(written)) return NaN;
  const [whole, part = ""] = written.split(".");
  return Number(whole) * 1000 + Number(part.padEnd(3, "0"));
}

/** @param {number} value thousandths  @returns {string} "1.25" */
export function written(value) {
  return String(value / 1000);
}

/** @param {string} text */
export function decimal(text) {
  return text.trim().replace(",", ".");
}

/** @param {Line[]} lines  Levels without gaps: a line is at most one deeper than the one before. Changes `lines`. */
export function settle(lines) {
  let before = -1;
  for (const line of lines) {
    line.level = Math.max(0, Math.min(line.level, before + 1, DEEPEST));
    before = line.level;
  }
  return lines;
}

/**
 * The line at `at` with all below it, before the line that is now at `to`, at `level`.
 * @param {Line[]} lines
 * @param {number} at
 * @param {number} to from 0 to the number of lines; a place inside what moves changes the level alone
 * @param {number} level
 * @returns {Line[]}
 */
export function moved(lines, at, to, level) {
  const end = endOf(lines, at);
  const block = lines.slice(at, end);
  const by = level - block[0].level;
  const rest = [...lines.slice(0, at), ...lines.slice(end)];
  rest.splice(to <= at ? to : to < end ? at : to - block.length, 0, ...block.map((line) => ({ ...line, level: line.level + by })));
  return settle(rest);
}

/** The outline number of each line: "2", "2.1". @param {Line[]} lines  @returns {string[]} */
export function numbers(lines) {
  /** @type {number[]} */
  const counts = [];
  return lines.map(({ level }) => {
    counts.length = Math.min(counts.length, level + 1);
    while (counts.length <= level) counts.push(0);
    counts[level] += 1;
    return counts.join(".");
  });
}

/**
 * What is wrong with each line, by id; what the service would refuse in one go.
 * @param {Line[]} lines
 * @param {number} step thousandths
 * @returns {Map<string, "no_label" | "no_points" | "not_positive" | "not_a_multiple_of_step" | "no_number">}
 */
export function troubles(lines, step) {
  const found = new Map();
  lines.forEach((line, at) => {
    const value = thousandths(line.points);
    if (!line.label.trim()) found.set(line.id, "no_label");
    else if (isBranch(lines, at)) return;
    else if (!decimal(line.points)) found.set(line.id, "no_points");
    else if (Number.isNaN(value)) found.set(line.id, "no_number");
    else if (value === 0) found.set(line.id, "not_positive");
    else if (value % step) found.set(line.id, "not_a_multiple_of_step");
  });
  return found;
}

/**
 * Lines of a pasted text: "label ; points" per line, deeper when indented.
 * @param {string} text
 * @param {() => string} newId
 */
export function parse(text, newId) {
  /** @type {number[]} */
  const depths = [];
  const lines = text.split(/\r?\n/).filter((line) => line.trim()).map((line) => {
    const depth = (line.match(/^\s*/)?.[0] ?? "").replaceAll("\t", "    ").length;
    while (depths.length && Number(depths.at(-1)) >= depth) depths.pop();
    depths.push(depth);
    const [, label, points = ""] = /** @type {string[]} */ (line.trim().match(/^(.*?)(?:\s*[;\t]\s*([\d.,]*))?$/));
    return { id: newId(), level: depths.length - 1, label, points, bonus: false };
  });
  return settle(lines);
}
