// @ts-check
/**
 * One copy at the desk: what was done, what of it the server has, and how the rest gets there.
 *
 * `#base` is what the server has, `#queue` what it has not acknowledged, and `marks` the one on top of the other. An
 * operation is kept in the journal before it is sent, and forgotten there when it is settled. Sending it twice is
 * harmless (ADR 0016), so whatever is in doubt is sent again.
 */
import { Problem, call } from "../core/api.js";
import { batch, computed, signal } from "../core/island.js";
import { uuid } from "../core/uuid.js";
import { t } from "../core/words.js";
import { Turn } from "./turn.js";
import { after, answered, marksOf, operation, place, same, sheetOf, standing, wanted } from "./sheet.js";

/** @typedef {import("./sheet.js").Op} Op */
/** @typedef {import("./sheet.js").Outcome} Outcome */
/** @typedef {import("./types.js").Act} Act */
/** @typedef {import("./types.js").SyncState} SyncState */
/** @typedef {{op: Op, kept: Promise<boolean>, safe: boolean}} Waiting `safe`: it is known to be in the journal */

const TOGETHER_MS = 250; // strokes of one word go in one request
const HEARTBEAT_MS = 120_000; // a lock lasts ten minutes: four may be lost
const PATIENCE_MS = [1_000, 2_000, 5_000, 10_000, 20_000, 30_000];
const ANSWER_MS = 20_000; // a network that says nothing is no network; the server answers within ten seconds
const AT_ONCE = 200; // of the API
const BATCH_BYTES = 400_000; // of 1 MB that the API takes
const PARTING_BYTES = 60_000; // of the 64 KiB that a closing page may send

export class Session {
  lost = signal(/** @type {import("./types.js").Lost | null} */ (null));
  conflicts = signal(/** @type {import("./types.js").Conflict[]} */ ([]));
  scores = signal(/** @type {any} */ (null));
  pending = signal(0);
  #offline = signal(false);
  #shown = signal(/** @type {import("./sheet.js").Sheet} */ ({ notes: new Map(), scores: {}, remarks: {}, appraisal: "" }));
  marks = computed(() => marksOf(this.#shown.value));
  state = computed(() => this.#state());

  #base = this.#shown.peek();
  /** @type {Waiting[]} */
  #queue = [];
  /** Operations of a conflict, by the conflict's id: they stay in the journal until somebody chose. @type {Map<string, string[]>} */
  #undecided = new Map();
  #client = uuid();
  /** @type {string | null} */
  #token = null;
  #atOnce = AT_ONCE;
  #failures = 0;
  #settled = 0;
  #sending = false;
  #closing = false;
  /** @type {((all: boolean) => void)[]} */
  #told = [];
  #wake = () => {};
  /** @type {Turn} */
  #turn;
  #soon = 0;
  #beat = 0;
  /** Set once everything is sent and the lock is being given back. @type {Promise<void> | null} */
  ended = null;

  /**
   * @param {string} copyId
   * @param {import("./journal.js").Journal} journal
   * @param {string} user
   * @param {(message: any) => void} tell the other windows
   */
  constructor(copyId, journal, user, tell) {
    this.copyId = copyId;
    this.journal = journal;
    this.tell = tell;
    this.#turn = new Turn(`korrigo-${user}-${copyId}`, () => this.#writes(), () => this.#watches());
    this.role = this.#turn.role;
  }

  /** @returns {SyncState} */
  #state() {
    if (this.lost.value) return "lost-lock";
    if (this.conflicts.value.length > 0) return "conflict";
    if (!this.journal.keeps.value) return "storage-full";
    if (this.#offline.value) return "offline";
    return this.pending.value > 0 ? "saving" : "saved";
  }

  /** Begin with the desk's answer. `fresh`: it was read just now. @param {any} desk @param {{fresh: boolean}} how */
  async begin(desk, { fresh }) {
    this.#rebase(desk);
    await this.#turn.begin(() => this.#look().then(() => this.#tryLock()));
    if (this.role.peek() === "watching") return;
    const locked = this.#tryLock();
    if (fresh) await locked;
    else locked.then(() => this.#look());
  }

  /** As the desk's answer, with what is unsent on top. @param {any} desk */
  described(desk) {
    const { annotations, scores, remarks, appraisal } = this.marks.peek();
    return { ...desk, annotations: [...annotations.values()], scores: { ...desk.scores, scores, remarks, appraisal } };
  }

  // Whose turn it is to write

  /** What the other window did is in the journal; what could not be kept there is only here. */
  async #writes() {
    const kept = (await this.journal.of(this.copyId)).map((op) => ({ op, kept: Promise.resolve(true), safe: true }));
    this.#queue = [...kept, ...this.#queue.filter((each) => !each.safe)];
    this.#show();
    this.#beat = window.setInterval(() => this.#heartbeat(), HEARTBEAT_MS);
    if (this.#queue.length > 0) this.flush().then((all) => (all ? this.#look() : undefined));
  }

  #watches() {
    clearInterval(this.#beat);
    this.#token = null;
    this.#queue = this.#queue.filter((each) => !each.safe); // the rest the other window reads from the journal
    this.#show();
    this.#send();
  }

  takeOver() {
    return this.#turn.take(() => this.tell({ do: "give", copy_id: this.copyId }));
  }

  /** Another window wants to write. */
  async give() {
    if (this.role.peek() !== "writing") return;
    await this.flush();
    this.#turn.give();
  }

  // The lock of the server

  /** Take or prolong the lock. What comes of it is in `lost`; without a network it is tried again. */
  async #tryLock() {
    try {
      this.#token = (await call("POST", `/copies/${this.copyId}/lock`, undefined, patient())).token;
      this.lost.value = null;
      this.#offline.value = false;
    } catch (error) {
      this.#failed(error);
      clearTimeout(this.#soon);
      if (!this.lost.peek()) this.#soon = window.setTimeout(() => this.#lockAgain(), this.#patienceMs());
    }
  }

  /** Unless an act needed the lock, and has it, before. */
  async #lockAgain() {
    if (this.#queue.length > 0) await this.#send();
    else if (this.#token === null && this.role.peek() === "writing" && !this.#closing) await this.#tryLock();
  }

  async #heartbeat() {
    if (this.#token === null) return this.#tryLock();
    try {
      await call("POST", `/copies/${this.copyId}/lock/heartbeat`, undefined, this.#held());
      this.#offline.value = false;
    } catch (error) {
      this.#failed(error);
      if (this.#token === null && !this.lost.peek()) await this.#tryLock();
    }
  }

  #held() {
    return { ...patient(), headers: { "X-Lock-Token": this.#token ?? "" } };
  }

  /** After `lost`: take the lock again, see what is there now, and send what was kept. */
  async applyAgain() {
    const { token } = await call("POST", `/copies/${this.copyId}/lock`);
    this.#token = token;
    this.lost.value = null;
    await this.#look();
    await this.flush();
  }

  // Doing

  /** @param {Act} act */
  record(act) {
    if (this.role.peek() !== "writing" || this.lost.peek()) throw new Error("nothing is recorded in a window that cannot write");
    this.#add(act);
    clearTimeout(this.#soon);
    this.#soon = window.setTimeout(() => this.#send(), TOGETHER_MS);
  }

  /** @param {Act} act */
  #add(act) {
    const op = operation(this.#shown.peek(), act);
    const waiting = { op, kept: this.journal.add(this.copyId, op), safe: false };
    waiting.kept.then((safe) => (waiting.safe = safe));
    this.#queue.push(waiting);
    this.#shown.value = after(this.#shown.peek(), op);
    this.#count();
  }

  /** Send what waits; whether all is acknowledged. It does not wait for a network that is not there. @returns {Promise<boolean>} */
  flush() {
    const answer = new Promise((resolve) => this.#told.push(resolve));
    this.#wake();
    this.#send();
    return answer;
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#queue.length > 0 && !this.lost.peek()) {
        if (await this.#sent()) continue;
        this.#tell(false);
        if (this.lost.peek()) break;
        await this.#patience();
      }
    } finally {
      this.#sending = false;
      this.#tell(this.#queue.length === 0);
    }
    if (this.#closing && this.#queue.length === 0) this.ended ??= this.#end();
  }

  /** One request; whether it came through. */
  async #sent() {
    const waiting = this.#next(this.#atOnce, BATCH_BYTES);
    await Promise.all(waiting.map((each) => each.kept));
    try {
      if (this.#token === null) this.#token = (await call("POST", `/copies/${this.copyId}/lock`, undefined, patient())).token;
      const answer = await call("PATCH", `/copies/${this.copyId}/draft`, this.#body(waiting), this.#held());
      this.#offline.value = false;
      this.#failures = 0;
      this.#atOnce = AT_ONCE;
      this.#settle(waiting, answer);
      return true;
    } catch (error) {
      return this.#failed(error, waiting);
    }
  }

  /** @param {Waiting[]} waiting */
  #body(waiting) {
    return { client_id: this.#client, ops: waiting.map((each) => each.op) };
  }

  /** The first that wait, within these bounds; at least one. @param {number} most @param {number} bytes @returns {Waiting[]} */
  #next(most, bytes) {
    const found = [];
    let weight = 0;
    for (const each of this.#queue.slice(0, most)) {
      weight += JSON.stringify(each.op).length + 1;
      if (found.length > 0 && weight > bytes) break;
      found.push(each);
    }
    return found;
  }

  /**
   * What an error means; whether to go on at once.
   * @param {any} error
   * @param {Waiting[]} [waiting] what was sent
   */
  #failed(error, waiting = []) {
    if (!(error instanceof Problem)) throw error;
    const { status, document: problem } = error;
    if (status === 0 || status === 429 || status >= 500) {
      this.#failures += 1;
      this.#offline.value = true;
      return false;
    }
    if (problem.code === "grading.lock_lost" && this.#token !== null) {
      this.#token = null; // it ended: taken again, for operations overwrite nothing that was not seen
      return true;
    }
    if ((status === 413 || status === 422) && waiting.length > 0) {
      if (waiting.length > 1) this.#atOnce = Math.ceil(waiting.length / 2);
      else this.#refused(waiting[0].op, { code: problem.code, detail: problem.detail });
      return true;
    }
    this.#token = null;
    this.lost.value = { owner: problem.owner ?? null, until: problem.expires_at ?? null, problem: error };
    return false;
  }

  #patience() {
    return new Promise((resolve) => {
      this.#wake = () => resolve(undefined);
      setTimeout(resolve, this.#patienceMs());
    });
  }

  /** Longer after each failure, and never the same for all who lost the network at once. */
  #patienceMs() {
    const patience = PATIENCE_MS[Math.min(this.#failures, PATIENCE_MS.length) - 1] ?? PATIENCE_MS[0];
    return patience * (0.75 + Math.random() / 2);
  }

  /** The network is back, or gone. @param {boolean} there */
  network(there) {
    if (!there) this.#offline.value = this.pending.peek() > 0;
    else this.#wake();
  }

  // What came of it

  /** @param {Waiting[]} waiting @param {any} answer */
  #settle(waiting, answer) {
    const outcomes = new Map(answer.ops.map((/** @type {Outcome} */ each) => [each.id, each]));
    const sent = new Set(waiting.map((each) => each.op.id));
    this.#queue = this.#queue.filter((each) => !sent.has(each.op.id));
    /** @type {string[]} */
    const over = [];
    const refused = new Set();
    batch(() => {
      for (const { op } of waiting) {
        const outcome = /** @type {Outcome} */ (outcomes.get(op.id));
        this.#base = answered(this.#base, op, outcome);
        if (outcome.outcome === "done" || this.#agree(op, outcome)) over.push(op.id);
        else if (outcome.outcome === "refused") {
          refused.add(place(op));
          this.#refused(op, outcome.problem);
        } else if (refused.has(place(op))) {
          over.push(op.id); // in conflict only with what was refused before it
          this.#show();
          this.#add(actOf(op));
        } else this.#differ(op);
      }
      this.scores.value = answer.scores;
      this.#settled += 1;
      this.#show();
    });
    this.journal.remove(this.copyId, over);
    this.tell({ do: "changed", copy_id: this.copyId });
  }

  /** @param {Op} op @param {Outcome} outcome */
  #agree(op, outcome) {
    return outcome.outcome === "conflict" && same(wanted(op), standing(this.#base, op));
  }

  /** A conflict takes with it what was built on it and not sent: the last of it is what this person wants. @param {Op} op */
  #differ(op) {
    const built = this.#taken(op);
    const known = this.conflicts.peek().find((each) => place(each.act) === place(op));
    const last = built.at(-1) ?? op;
    const id = known?.id ?? op.id;
    this.#undecided.set(id, [...(this.#undecided.get(id) ?? []), op.id, ...built.map((each) => each.id)]);
    const conflict = { id, act: actOf(last), mine: wanted(last), theirs: standing(this.#base, last), refused: null };
    this.conflicts.value = [...this.conflicts.peek().filter((each) => each.id !== id), conflict];
  }

  /** What was built on an act that cannot be done is done without it. @param {Op} op @param {{code: string, detail: string} | null} problem */
  #refused(op, problem) {
    this.#queue = this.#queue.filter((each) => each.op !== op);
    const built = this.#taken(op);
    this.#undecided.set(op.id, [op.id]);
    const conflict = { id: op.id, act: actOf(op), mine: wanted(op), theirs: standing(this.#base, op), refused: problem };
    this.conflicts.value = [...this.conflicts.peek(), conflict];
    this.#show();
    for (const each of built) this.#add(actOf(each));
    this.journal.remove(this.copyId, built.map((each) => each.id));
  }

  /** Out of the queue: what is about the same as `op`. @param {Op} op @returns {Op[]} */
  #taken(op) {
    const built = this.#queue.filter((each) => place(each.op) === place(op)).map((each) => each.op);
    this.#queue = this.#queue.filter((each) => place(each.op) !== place(op));
    return built;
  }

  /** @param {string} id @param {"mine" | "theirs"} whose */
  choose(id, whose) {
    const conflict = this.conflicts.peek().find((each) => each.id === id);
    if (!conflict) return;
    if (whose === "mine" && !conflict.refused) this.record(conflict.act); // before the old ones are forgotten
    const over = this.#undecided.get(id) ?? [];
    this.#undecided.delete(id);
    this.conflicts.value = this.conflicts.peek().filter((each) => each !== conflict);
    this.#count();
    this.journal.remove(this.copyId, over);
  }

  /** Read the desk again; what is unsent stays on top. */
  async #look() {
    for (let before = -1; before !== this.#settled; ) {
      before = this.#settled;
      try {
        const desk = await call("GET", `/copies/${this.copyId}/desk`);
        if (before === this.#settled) this.#rebase(desk); // else it may be older than what was acknowledged meanwhile
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        return;
      }
    }
  }

  /** Another window changed this copy. */
  changed() {
    if (this.role.peek() === "watching") this.#look();
  }

  /** @param {any} desk */
  #rebase(desk) {
    this.#base = sheetOf(desk);
    this.scores.value = desk.scores;
    this.#show();
  }

  #show() {
    this.#shown.value = this.#queue.reduce((sheet, { op }) => after(sheet, op), this.#base);
    this.#count();
  }

  #count() {
    this.pending.value = this.#queue.length + this.conflicts.peek().filter((each) => !each.refused).length;
  }

  /** @param {boolean} all */
  #tell(all) {
    const told = this.#told;
    this.#told = [];
    for (const each of told) each(all);
  }

  // The end

  async finalise() {
    if (!(await this.flush()) || this.lost.peek()) {
      throw this.lost.peek()?.problem ?? new Problem(0, { code: "offline", detail: t("sync.unsent") });
    }
    if (this.conflicts.peek().length > 0) throw new Problem(409, { code: "conflict", detail: t("sync.undecided") });
    const job = await call("POST", `/copies/${this.copyId}/finalise`, undefined, this.#held());
    clearInterval(this.#beat);
    this.#token = null; // the lock ended with it
    return job;
  }

  /** Forget what was kept for this copy. */
  discard() {
    const ids = [...this.#queue.map((each) => each.op.id), ...[...this.#undecided.values()].flat()];
    this.#queue = [];
    this.#undecided.clear();
    this.conflicts.value = [];
    this.#show();
    this.journal.remove(this.copyId, ids);
  }

  /** All that the server has not acknowledged, oldest first. @returns {Act[]} */
  unsent() {
    return [...this.conflicts.peek().map((each) => each.act), ...this.#queue.map((each) => actOf(each.op))];
  }

  /** The page is being closed: one last request, for what fits into it. The rest is in the journal. */
  part() {
    if (this.#token === null || this.role.peek() !== "writing" || this.lost.peek()) return;
    const waiting = this.#next(AT_ONCE, PARTING_BYTES);
    const body = this.#body(waiting);
    if (waiting.length === 0 || JSON.stringify(body).length > PARTING_BYTES) return;
    call("PATCH", `/copies/${this.copyId}/draft`, body, { ...this.#held(), keepalive: true }).catch(() => {
      this.#offline.value = true; // read when the page comes back from the cache; nobody reads it when it does not
    });
  }

  /** Send the rest, then give the lock back. Goes on by itself when it must wait for the network. */
  async close() {
    this.#closing = true;
    clearTimeout(this.#soon);
    if (this.lost.peek()) this.ended ??= this.#end();
    else await this.flush();
    await this.ended;
  }

  /** It was closed, has not ended, and is wanted again. @param {any} desk */
  async reopen(desk) {
    this.#closing = false;
    this.#turn.goOn();
    this.#rebase(desk);
    if (this.#token === null) await this.#tryLock();
  }

  async #end() {
    clearInterval(this.#beat);
    const held = this.#held();
    const owned = this.#token !== null;
    this.#token = null;
    this.#turn.end();
    if (!owned) return;
    try {
      await call("DELETE", `/copies/${this.copyId}/lock`, undefined, held);
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // a lock that is not given back ends by itself
    }
  }
}

/** @param {Op} op @returns {Act} */
function actOf({ id: _, version: __, was: ___, ...act }) {
  return /** @type {Act} */ (act);
}

const patient = () => ({ signal: AbortSignal.timeout(ANSWER_MS) });
