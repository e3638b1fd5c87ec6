// @ts-check
/**
 * The marks of one copy as values: what an act makes of them, and what the server's answer does. Nothing is sent here.
 *
 * A sheet keeps what was erased, with its version: it may be drawn again (undo).
 */
import { uuid } from "../core/uuid.js";

/** @typedef {import("./types.js").Act} Act */
/** @typedef {import("./types.js").Annotation} Annotation */
/** @typedef {import("./types.js").Marks} Marks */
/** @typedef {{version: number, removed: boolean, annotation: import("./types.js").AnnotationFields}} Note */
/**
 * @typedef {object} Sheet
 * @property {ReadonlyMap<string, Note>} notes
 * @property {Readonly<Record<string, string>>} scores
 * @property {Readonly<Record<string, string>>} remarks
 * @property {string} appraisal
 */
/** @typedef {Act & {id: string, version?: number, was?: string | null}} Op an act, its name, and what it was based on */
/** @typedef {{id: string, outcome: "done" | "conflict" | "refused", version: number | null, current: any, problem: {code: string, detail: string} | null}} Outcome */

/** @param {any} desk the answer of GET /copies/{id}/desk @returns {Sheet} */
export function sheetOf({ annotations, scores }) {
  const notes = new Map();
  for (const { id, version, copy_id: _, updated_at: __, ...annotation } of annotations) {
    notes.set(id, { version, removed: false, annotation });
  }
  return { notes, scores: scores.scores, remarks: scores.remarks, appraisal: scores.appraisal };
}

/** @param {Sheet} sheet @returns {Marks} */
export function marksOf(sheet) {
  const annotations = new Map();
  for (const [id, { version, removed, annotation }] of sheet.notes) {
    if (!removed) annotations.set(id, { ...annotation, id, version });
  }
  return { annotations, scores: sheet.scores, remarks: sheet.remarks, appraisal: sheet.appraisal };
}

/** The operation that `act` is on this sheet. @param {Sheet} sheet @param {Act} act @returns {Op} */
export function operation(sheet, act) {
  const id = uuid();
  switch (act.do) {
    case "annotate":
    case "erase":
      return { ...act, id, version: sheet.notes.get(act.annotation_id)?.version ?? 0 };
    default:
      return { ...act, id, was: /** @type {string | null} */ (standing(sheet, act)) };
  }
}

/** What acts are about: two acts on one place build on each other. @param {Act} act */
export function place(act) {
  if (act.do === "appraise") return "appraisal";
  return "annotation_id" in act ? act.annotation_id : `${act.do} ${act.item_id}`;
}

/** What the act wants to stand: an annotation, a score, a text; null for none. @param {Act} act */
export function wanted(act) {
  if (act.do === "annotate") return { ...act.annotation, id: act.annotation_id };
  if (act.do === "erase") return null;
  return act.do === "score" ? act.score : act.text;
}

/** What stands where the act is about. @param {Sheet} sheet @param {Act} act */
export function standing(sheet, act) {
  switch (act.do) {
    case "score":
      return sheet.scores[act.item_id] ?? null;
    case "remark":
      return sheet.remarks[act.item_id] ?? "";
    case "appraise":
      return sheet.appraisal;
    default: {
      const note = sheet.notes.get(act.annotation_id);
      return !note || note.removed ? null : { ...note.annotation, id: act.annotation_id, version: note.version };
    }
  }
}

/** The sheet once the operation is done. @param {Sheet} sheet @param {Op} op @returns {Sheet} */
export function after(sheet, op) {
  switch (op.do) {
    case "annotate":
      return noted(sheet, op.annotation_id, { version: (op.version ?? 0) + 1, removed: false, annotation: op.annotation });
    case "erase": {
      const note = sheet.notes.get(op.annotation_id);
      return note ? noted(sheet, op.annotation_id, { ...note, version: (op.version ?? 0) + 1, removed: true }) : sheet;
    }
    case "score":
      return { ...sheet, scores: put(sheet.scores, op.item_id, op.score) };
    case "remark":
      return { ...sheet, remarks: put(sheet.remarks, op.item_id, op.text || null) };
    case "appraise":
      return { ...sheet, appraisal: op.text };
  }
}

/** The sheet as the server has it after its answer. @param {Sheet} sheet @param {Op} op @param {Outcome} outcome @returns {Sheet} */
export function answered(sheet, op, outcome) {
  if (outcome.outcome === "refused") return sheet;
  if (!("annotation_id" in op)) {
    if (outcome.outcome === "done") return after(sheet, op);
    return after(sheet, op.do === "score" ? { ...op, score: outcome.current } : { ...op, text: outcome.current });
  }
  const version = outcome.version ?? 0;
  const known = sheet.notes.get(op.annotation_id);
  if (known && known.version > version) return sheet; // an old answer, given again
  if (outcome.outcome === "done") return after(sheet, op);
  const { id: _, version: __, copy_id: ___, updated_at: ____, ...annotation } = outcome.current ?? {};
  if (outcome.current) return noted(sheet, op.annotation_id, { version, removed: false, annotation });
  const erased = known?.annotation ?? (op.do === "annotate" ? op.annotation : null);
  return erased ? noted(sheet, op.annotation_id, { version, removed: true, annotation: erased }) : sheet;
}

/** Whether there is nothing to choose between: both want the same. @param {any} mine @param {any} theirs */
export function same(mine, theirs) {
  if (mine === null || theirs === null || typeof mine === "string") {
    const equal = mine === theirs;
    return equal || (isPoints(mine) && isPoints(theirs) && Number(mine) === Number(theirs));
  }
  const names = ["page", "type", "x", "y", "w", "h", "points", "pressures", "colour", "content", "score_delta", "item_id"];
  return names.every((name) => JSON.stringify(said(mine[name])) === JSON.stringify(said(theirs[name])));
}

/** @param {any} value */
const isPoints = (value) => typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value);

/** A field that was left out is the same as one that says nothing. @param {any} value */
const said = (value) => (value === undefined || value === "" || (Array.isArray(value) && value.length === 0) ? null : value);

/** @param {Sheet} sheet @param {string} id @param {Note} note @returns {Sheet} */
function noted(sheet, id, note) {
  return { ...sheet, notes: new Map(sheet.notes).set(id, note) };
}

/** @param {Readonly<Record<string, string>>} values @param {string} name @param {string | null} value */
function put(values, name, value) {
  const { [name]: _, ...rest } = values;
  return value === null ? rest : { ...rest, [name]: value };
}
