// @ts-check
/**
 * What one sees and does at the desk. The marks themselves are sync.js's (`sync.marks`); here are the sheet they stand
 * on, what is chosen, and undo. Every act goes through `perform`, which knows how to take it back: undoing is an act
 * like any other, so it is kept and sent as any other.
 */
import { batch, computed, preference, signal } from "../core/island.js";
import { uuid } from "../core/uuid.js";
import { decimal, read } from "./amounts.js";
import { Sync } from "./sync.js";

/** @typedef {import("./types.js").Act} Act */
/** @typedef {import("./types.js").Annotation} Annotation */
/** @typedef {import("./types.js").AnnotationFields} AnnotationFields */
/** @typedef {import("./types.js").Desk} Desk */
/** @typedef {{id: string, code: string, ref: string, label: string, most: number, bonus: boolean, parts: string[]}} Item
 *  `most` in thousandths; `ref`: its code with those of the branches it is in; `parts`: for a branch the items below it. */
/** @typedef {{undo: Act[], redo: Act[], typing: string}} Step */
/** @typedef {"select"|"pen"|"highlight"|"comment"|"tick"|"cross"|"error"|"bonus"|"eraser"} Tool */

export const place = /** @type {HTMLElement} */ (document.querySelector("marking-desk"));
export const sync = /** @type {import("./types.js").SyncInterface} */ (new Sync(place.dataset.user ?? ""));

export const desk = signal(/** @type {Desk | null} */ (null));
export const active = signal("");
export const tool = signal(/** @type {Tool} */ ("select"));
export const armed = signal(/** @type {any} */ (null)); // a comment of the bank, to be put where one taps next
export const selected = signal("");
export const composer = signal(/** @type {import("./composer.js").Draft | null} */ (null));
export const pageInView = signal(1);
export const colour = preference("desk.colour", /** @type {"red"|"green"|"blue"} */ ("red"));
export const zoom = preference("desk.zoom", 1);
export const dim = preference("desk.dim", false);
export const spread = preference("desk.spread", false);
/** Whether one sees how long one has been at a copy. */
export const paced = preference("desk.paced", false);
/** Whether another copy is looked at beside this one. */
export const peeking = signal(false);
/** The item one marks through all copies, or "" when one marks copy by copy. */
export const byItem = signal(new URLSearchParams(location.search).get("item") ?? "");
/** A score being typed and not accepted yet. */
export const typed = signal(/** @type {{item: string, text: string} | null} */ (null));

export const rows = computed(() => lines(desk.value?.scheme.nodes ?? []));
export const items = computed(() => rows.value.filter((row) => !row.parts.length));
export const itemOf = computed(() => new Map(items.value.map((item) => [item.id, item])));
export const step = computed(() => read(desk.value?.exam.step ?? "0.25") ?? 250);
export const writable = computed(() => desk.value !== null && sync.role.value === "writing" && !sync.lost.value);
export const unmarked = computed(() => items.value.filter((item) => !(item.id in sync.marks.value.scores)));
export const total = computed(() => items.value.reduce((sum, item) => sum + (scoreOf(item.id) ?? 0), 0));
/** A bonus makes up for what was lost; the total stops at what the exam is out of. */
export const totalShown = computed(() => Math.min(total.value, read(desk.value?.exam.total_points ?? "20") ?? 0));
export const onPage = computed(() => {
  const pages = new Map((desk.value?.copy.pages ?? []).map((/** @type {any} */ page) => [page.page_no, /** @type {Annotation[]} */ ([])]));
  for (const mark of sync.marks.value.annotations.values()) pages.get(mark.page)?.push(mark);
  return pages;
});
export const itemComments = computed(() => {
  const comments = desk.value?.comments ?? [];
  return [...comments.filter((each) => each.item_id === active.value), ...comments.filter((each) => !each.item_id)];
});
/** How many notes each item has, and what they take off or add, in thousandths. */
export const notesOf = computed(() => {
  /** @type {Map<string, {count: number, delta: number}>} */
  const found = new Map();
  for (const mark of sync.marks.value.annotations.values()) {
    if (!mark.item_id || !(mark.content || mark.score_delta)) continue;
    const so = found.get(mark.item_id) ?? { count: 0, delta: 0 };
    found.set(mark.item_id, { count: so.count + 1, delta: so.delta + (read(mark.score_delta ?? "") ?? 0) });
  }
  return found;
});

/** In thousandths, null when not marked. @param {string} item */
export function scoreOf(item) {
  return read(sync.marks.value.scores[item] ?? "");
}

/** What Enter would give: all points less what the comments take off; a bonus starts from nothing. @param {Item} item */
export function proposed(item) {
  const delta = notesOf.value.get(item.id)?.delta ?? 0;
  return Math.max(0, Math.min(item.most, (item.bonus ? 0 : item.most) + delta));
}

/** The page's height in thousandths of its width. @param {number} number */
export function heightOf(number) {
  const page = desk.value?.copy.pages.find((/** @type {any} */ each) => each.page_no === number);
  return page ? (1000 * page.height_px) / page.width_px : 1414;
}

/** Open a copy in the stead of the one before. @param {string} id  @returns {Promise<void>} Problem when it is not to be seen */
export async function open(id) {
  const found = await sync.open(id, byItem.value ? { item: byItem.value } : {});
  batch(() => {
    desk.value = found;
    past.value = [];
    future.value = [];
    selected.value = "";
    composer.value = null;
    armed.value = null;
    typed.value = null;
    const first = unmarked.value[0] ?? items.value[0];
    active.value = itemOf.value.has(byItem.value) ? byItem.value : (first?.id ?? "");
    if (!byItem.value) pageInView.value = 1;
  });
}

/** How much one step changes the size of the paper. */
export const ZOOM = 1.15;

/** @param {number} to a share of the width there is */
export function setZoom(to) {
  zoom.value = Math.max(0.4, Math.min(3, to));
}

/** @param {Tool} which */
export function choose(which) {
  tool.value = which;
  armed.value = null;
}

/** @param {-1 | 1} by */
export function move(by) {
  const at = items.value.findIndex((item) => item.id === active.value);
  active.value = items.value[Math.max(0, Math.min(items.value.length - 1, at + by))]?.id ?? "";
}

const past = signal(/** @type {Step[]} */ ([]));
const future = signal(/** @type {Step[]} */ ([]));
export const canUndo = computed(() => writable.value && past.value.length > 0);
export const canRedo = computed(() => writable.value && future.value.length > 0);

/**
 * Do, and know how to undo. Nothing happens while one may only look.
 * @param {Act[]} acts each about something else
 * @param {string} typing what is being typed, if anything: its acts are undone in one
 */
export function perform(acts, typing = "") {
  if (!writable.peek() || !acts.length) return;
  const undo = acts.map(inverse);
  const last = past.peek().at(-1);
  batch(() => {
    acts.forEach((act) => sync.record(act));
    past.value = typing && last?.typing === typing
      ? [...past.value.slice(0, -1), { ...last, redo: acts }]
      : [...past.value, { undo, redo: acts, typing }];
    future.value = [];
  });
}

export function undo() {
  replay(past, future, "undo");
}

export function redo() {
  replay(future, past, "redo");
}

/**
 * @param {typeof past} from
 * @param {typeof past} to
 * @param {"undo" | "redo"} way
 */
function replay(from, to, way) {
  const done = from.peek().at(-1);
  if (!done || !writable.peek()) return;
  batch(() => {
    from.value = from.value.slice(0, -1);
    to.value = [...to.value, { ...done, typing: "" }];
    const standing = sync.marks.peek().annotations;
    for (const act of done[way]) {
      // Another window may have erased it meanwhile: then it is gone, which is what was wanted.
      if (act.do !== "erase" || standing.has(act.annotation_id)) sync.record(act);
      if (act.do === "score" || act.do === "remark") active.value = act.item_id;
    }
    typed.value = null;
  });
}

/** @param {Act} act  @returns {Act} */
function inverse(act) {
  const now = sync.marks.peek();
  if (act.do === "score") return { ...act, score: now.scores[act.item_id] ?? null };
  if (act.do === "remark") return { ...act, text: now.remarks[act.item_id] ?? "" };
  if (act.do === "appraise") return { ...act, text: now.appraisal };
  const before = now.annotations.get(act.annotation_id);
  return before
    ? { do: "annotate", annotation_id: act.annotation_id, annotation: fields(before) }
    : { do: "erase", annotation_id: act.annotation_id };
}

/** @param {Annotation} mark  @returns {AnnotationFields} what an act says of it */
function fields(mark) {
  const { page, type, x, y, w, h, points, pressures, colour, content, score_delta, item_id, comment_id } = mark;
  return { page, type, x, y, w, h, points, pressures, colour, content, score_delta, item_id, comment_id };
}

/** @param {Pick<AnnotationFields, "page" | "type" | "x" | "y"> & Partial<AnnotationFields>} mark  @returns {string} its id */
export function add(mark) {
  const id = uuid();
  const whole = { w: 0, h: 0, item_id: active.peek() || null, content: "", score_delta: null, ...mark };
  perform([{ do: "annotate", annotation_id: id, annotation: whole }]);
  return id;
}

/** The ink of a new mark: a tick is green and a cross red, whatever one writes with. @param {AnnotationFields["type"]} type */
export function inkOf(type) {
  if (type === "highlight") return null;
  if (type === "tick" || type === "bonus") return "green";
  return type === "cross" || type === "error" ? "red" : colour.peek();
}

/** @param {Annotation} mark @param {Partial<AnnotationFields>} to */
export function change(mark, to) {
  perform([{ do: "annotate", annotation_id: mark.id, annotation: { ...fields(mark), ...to } }]);
}

/** @param {Iterable<string>} ids */
export function erase(ids) {
  perform([...ids].map((id) => ({ do: "erase", annotation_id: id })));
}

/** @param {string} item @param {number | null} amount in thousandths */
export function score(item, amount) {
  const text = amount === null ? null : decimal(amount);
  if (scoreOf(item) !== amount) perform([{ do: "score", item_id: item, score: text }]);
}

/** @param {string} item @param {string} text */
export function remark(item, text) {
  if ((sync.marks.peek().remarks[item] ?? "") !== text) perform([{ do: "remark", item_id: item, text }], `remark ${item}`);
}

/** @param {string} text */
export function appraise(text) {
  if (sync.marks.peek().appraisal !== text) perform([{ do: "appraise", text }], "appraisal");
}

const NUMBERED = /^((?:\d{1,2}|[A-Za-z](?=[.)]))(?:[.)](?:\d{1,2}|[a-z])(?!\w))*)[.)]*\s+(.+)$/u;

/**
 * The scheme, line by line. A label's own numbering ("2. b) Limite") becomes the line's code.
 * @param {any[]} nodes @param {string} within the branch's `ref`  @returns {Item[]}
 */
function lines(nodes, within = "") {
  return nodes.flatMap((node) => {
    const [, code = "", label = node.label] = NUMBERED.exec(node.label) ?? [];
    // "Exercice 2" has no code but a number, which its questions are told by.
    const own = code || (/(?:^|\s)(\d+|[A-Z])$/.exec(node.label)?.[1] ?? "");
    const ref = [within, own].filter(Boolean).join(".");
    const below = lines(node.children ?? [], ref);
    const parts = below.filter((row) => !row.parts.length).map((row) => row.id);
    return [{ id: node.id, code, ref, label, most: read(node.points ?? "") ?? 0, bonus: Boolean(node.bonus), parts }, ...below];
  });
}
