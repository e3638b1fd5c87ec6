// @ts-check
/**
 * What the desk and sync.js say to each other. Types only; nothing runs here.
 *
 * The desk records acts; sync.js makes operations of them (an id, and what they were based on), keeps each one on this
 * computer before it is sent, and shows what came of it through signals. The desk draws from `marks`, and from nothing
 * else: an act is in `marks` as soon as it is recorded, and so is what the server or another window says.
 *
 *     const sync = new Sync(userId);
 *     const desk = await sync.open(copyId);             // takes the lock; the unsent acts are in desk and in marks
 *     sync.record({ do: "score", item_id: "q1", score: "1.5" });
 *     await sync.finalise();                            // sends what is left, then finalises; the answer is the job
 *     sync.prefetch(desk.next); await sync.open(desk.next);   // the copy before goes on sending, then gives its lock back
 *
 * @module
 */

/** @template T @typedef {{readonly value: T, peek(): T}} Readable a signal that only its owner sets */

/**
 * An annotation as the API writes it; `page` from 1, coordinates in shares of the upright page, points as strings.
 * @typedef {object} AnnotationFields
 * @property {number} page
 * @property {"comment"|"highlight"|"error"|"bonus"|"tick"|"cross"|"pen"} type
 * @property {number} x
 * @property {number} y
 * @property {number} w
 * @property {number} h
 * @property {[number, number][][]} [points] pen strokes
 * @property {number[][]} [pressures] one list for each stroke, in [0, 1]
 * @property {"red"|"green"|"blue"|null} [colour] null: green for a tick or a bonus, red for the rest
 * @property {string} [content]
 * @property {string|null} [score_delta]
 * @property {string|null} [item_id]
 * @property {string|null} [comment_id] the comment of the bank it was made from
 */

/** @typedef {AnnotationFields & {id: string, version: number, updated_at?: string}} Annotation */

/**
 * What a marker does, as the desk records it. Undo is an act too: erase what was drawn; annotate again, under the same
 * id, what was erased. A new annotation gets its id from `uuid()` at the desk.
 * @typedef {{do: "annotate", annotation_id: string, annotation: AnnotationFields}
 *   | {do: "erase", annotation_id: string}
 *   | {do: "score", item_id: string, score: string|null}
 *   | {do: "remark", item_id: string, text: string}
 *   | {do: "appraise", text: string}} Act
 */

/**
 * All marks of the open copy, as this person sees them now. Never changed in place: a new value for each act.
 * @typedef {object} Marks
 * @property {ReadonlyMap<string, Annotation>} annotations by id, those that stand
 * @property {Readonly<Record<string, string>>} scores
 * @property {Readonly<Record<string, string>>} remarks
 * @property {string} appraisal
 */

/**
 * saved: all is acknowledged. saving: something is under way. offline: tried again by itself, all is kept here.
 * conflict: see `conflicts`. lost-lock: all is kept here, see `lost`. storage-full: this computer keeps nothing for
 * us; acts are sent at once and are in danger while `pending` is not 0. The graver one is shown.
 * @typedef {"saved"|"saving"|"offline"|"conflict"|"lost-lock"|"storage-full"} SyncState
 */

/**
 * An act that met another value than the one it was based on; both are kept until somebody chooses. `mine` and
 * `theirs` are an Annotation, a score or a text, null for none. `refused` is the server's reason when it is no
 * conflict: the act cannot be done (`detail` is a sentence for the reader), only given up.
 * @typedef {object} Conflict
 * @property {string} id
 * @property {Act} act
 * @property {any} mine
 * @property {any} theirs
 * @property {{code: string, detail: string}|null} refused
 */

/**
 * Why nothing can be sent. `owner` holds the copy now, null when it was not said. `problem` is for the reader.
 * @typedef {object} Lost
 * @property {string|null} owner
 * @property {string|null} until RFC 3339
 * @property {import("../core/api.js").Problem} problem
 */

/**
 * The answer of GET /copies/{id}/desk with the unsent acts of this computer on top.
 * @typedef {object} Desk
 * @property {any} copy as GET /copies/{id}
 * @property {{id: string, title: string, total_points: string, step: string}} exam
 * @property {{version: number, nodes: any[]}} scheme
 * @property {Annotation[]} annotations
 * @property {any} scores as GET /copies/{id}/scores
 * @property {any[]} comments as GET /exams/{id}/comments, most used first
 * @property {string|null} previous id of a copy
 * @property {string|null} next id of a copy
 * @property {number} position from 1, of `of` copies, `done` of which are finalised
 * @property {number} of
 * @property {number} done
 */

/**
 * sync.js exports `class Sync` with this interface.
 * @typedef {object} SyncInterface
 * @property {Readable<SyncState>} state of the open copy
 * @property {Readable<number>} pending acts that are not acknowledged
 * @property {Readable<Marks>} marks
 * @property {Readable<any>} scores the last ScoresView of the server: total, missing
 * @property {Readable<Conflict[]>} conflicts
 * @property {Readable<Lost|null>} lost
 * @property {Readable<"writing"|"watching">} role watching: another window of this
 *   person writes; record() refuses. The desk says so and offers `takeOver`
 * @property {Readable<{copy_id: string, acts: number}[]>} left acts on other copies
 *   that this computer still keeps (a crash, a lost lock); they are sent in the background where they can be
 *
 * @property {(copyId: string, options?: {item?: string}) => Promise<Desk>} open Problem when it is not to be seen.
 *   Without the lock (somebody else's, finalised, another window) it opens all the same: look at `lost` and `role`
 * @property {(act: Act) => void} record at once in `marks`; throws a defect while `role` is watching or `lost` is set
 * @property {() => Promise<boolean>} flush send what waits; whether all is acknowledged
 * @property {() => Promise<any>} finalise the job; Problem when something is missing, unsent or in conflict
 * @property {(copyId: string|null, options?: {item?: string}) => void} prefetch
 * @property {() => Promise<void>} close gives the lock back once everything is sent
 * @property {(id: string, whose: "mine"|"theirs") => void} choose settle one conflict
 * @property {() => Promise<void>} takeOver be the window that writes
 * @property {() => Promise<void>} applyAgain after `lost`: take the lock again and send what was kept; Problem when
 *   the copy cannot be had
 * @property {() => void} discard after `lost`: forget what was kept. Ask before
 * @property {() => File} exported everything that was kept for this copy, as a file to save
 */

export {};
