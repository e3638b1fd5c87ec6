// @ts-check
/** The desk's one way to the server: see types.js. One copy is open; those before it go on until all is sent. */
import { call } from "../core/api.js";
import { computed, signal } from "../core/island.js";
import { Journal } from "./journal.js";
import { Session } from "./session.js";

const FRESH_MS = 60_000; // what was read ahead is looked at again after it is shown

/** @typedef {import("./types.js").SyncInterface} SyncInterface */

/** @implements {SyncInterface} */
export class Sync {
  #session = signal(/** @type {Session | null} */ (null));
  /** Closed and not yet done with. @type {Set<Session>} */
  #lingering = new Set();
  /** @type {Map<string, {at: number, desk: Promise<any>}>} */
  #ahead = new Map();
  #recovered = false;

  left = signal(/** @type {{copy_id: string, acts: number}[]} */ ([]));
  state = computed(() => this.#session.value?.state.value ?? "saved");
  pending = computed(() => this.#session.value?.pending.value ?? 0);
  marks = computed(() => this.#session.value?.marks.value ?? NOTHING);
  scores = computed(() => this.#session.value?.scores.value ?? null);
  conflicts = computed(() => this.#session.value?.conflicts.value ?? []);
  lost = computed(() => this.#session.value?.lost.value ?? null);
  role = computed(() => this.#session.value?.role.value ?? "watching");

  /** @param {string} user id of who is signed in: the journal is theirs alone */
  constructor(user) {
    this.user = user;
    this.journal = new Journal(user);
    this.channel = new BroadcastChannel(`korrigo-${user}`);
    this.channel.onmessage = ({ data }) => this.#heard(data);
    window.addEventListener("pagehide", () => this.#each((session) => session.part()));
    window.addEventListener("online", () => this.#each((session) => session.network(true)));
    window.addEventListener("offline", () => this.#each((session) => session.network(false)));
    document.addEventListener("visibilitychange", () => document.hidden && this.#each((session) => session.flush()));
  }

  /** @param {string} copyId @param {{item?: string}} [options] */
  async open(copyId, { item } = {}) {
    const ahead = this.#ahead.get(key(copyId, item));
    const usable = ahead && Date.now() - ahead.at < FRESH_MS ? ahead.desk : null;
    this.#ahead.clear();
    const desk = (await usable) ?? (await read(copyId, item));
    const before = this.#session.peek();
    const session = (await this.#resumed(copyId, desk)) ?? (await this.#begun(copyId, desk, !usable));
    this.#session.value = session;
    if (before && before !== session) this.#leave(before);
    if (!this.#recovered) this.#recover();
    this.#recovered = true;
    return session.described(desk);
  }

  /** @param {string | null} copyId @param {{item?: string}} [options] */
  prefetch(copyId, { item } = {}) {
    if (copyId === null || this.#ahead.has(key(copyId, item))) return;
    const desk = read(copyId, item).catch(() => null); // opening it will ask again, and tell
    this.#ahead.set(key(copyId, item), { at: Date.now(), desk });
  }

  /** @param {import("./types.js").Act} act */
  record(act) {
    this.#open().record(act);
  }

  flush() {
    return this.#open().flush();
  }

  finalise() {
    return this.#open().finalise();
  }

  /** @param {string} id @param {"mine" | "theirs"} whose */
  choose(id, whose) {
    this.#open().choose(id, whose);
  }

  takeOver() {
    return this.#open().takeOver();
  }

  applyAgain() {
    return this.#open().applyAgain();
  }

  discard() {
    this.#open().discard();
  }

  exported() {
    const session = this.#open();
    const kept = { copy_id: session.copyId, exported_at: new Date().toISOString(), acts: session.unsent() };
    return new File([JSON.stringify(kept, null, 1)], `korrigo-${session.copyId}.json`, { type: "application/json" });
  }

  async close() {
    const session = this.#session.peek();
    this.#session.value = null;
    if (session) await this.#leave(session);
  }

  /** @param {Session} session */
  async #leave(session) {
    await session.close();
    if (session.ended) this.#lingering.delete(session);
    await this.#countLeft();
  }

  /** This window has the copy still: it is open, or waits for the network. @param {string} copyId @param {any} desk */
  async #resumed(copyId, desk) {
    const known = [...this.#lingering].find((session) => session.copyId === copyId);
    if (!known) return null;
    await known.ended;
    if (known.ended) {
      this.#lingering.delete(known);
      return null;
    }
    await known.reopen(desk);
    return known;
  }

  /** @param {string} copyId @param {any} desk @param {boolean} fresh */
  async #begun(copyId, desk, fresh) {
    const session = this.#begin(copyId);
    await session.begin(desk, { fresh });
    return session;
  }

  #open() {
    const session = this.#session.peek();
    if (!session) throw new Error("no copy is open");
    return session;
  }

  /** @param {string} copyId */
  #begin(copyId) {
    const session = new Session(copyId, this.journal, this.user, (message) => this.channel.postMessage(message));
    this.#lingering.add(session);
    return session;
  }

  /** Send what a crash, or a closed window, left of other copies. */
  async #recover() {
    for (const copyId of (await this.journal.counts()).keys()) {
      if ([...this.#lingering].some((session) => session.copyId === copyId)) continue;
      const session = this.#begin(copyId);
      try {
        await session.begin(await read(copyId), { fresh: true });
        await session.close();
      } catch (error) {
        console.warn("what was kept for another copy could not be sent", error);
      }
      this.#lingering.delete(session);
    }
    await this.#countLeft();
  }

  async #countLeft() {
    const open = this.#session.peek()?.copyId;
    this.left.value = [...(await this.journal.counts())]
      .filter(([copyId]) => copyId !== open)
      .map(([copyId, acts]) => ({ copy_id: copyId, acts }));
  }

  /** @param {(session: Session) => void} act */
  #each(act) {
    for (const session of this.#lingering) act(session);
  }

  /** From another window of this person. @param {{do: string, copy_id: string}} message */
  #heard(message) {
    this.#each((session) => {
      if (session.copyId !== message.copy_id) return;
      if (message.do === "give") session.give();
      if (message.do === "changed") session.changed();
    });
  }
}

/** @type {import("./types.js").Marks} */
const NOTHING = { annotations: new Map(), scores: {}, remarks: {}, appraisal: "" };

/** @param {string} copyId @param {string} [item] */
const key = (copyId, item) => `${copyId} ${item ?? ""}`;

/** @param {string} copyId @param {string} [item] @returns {Promise<any>} */
function read(copyId, item) {
  return call("GET", `/copies/${copyId}/desk${item ? `?item=${encodeURIComponent(item)}` : ""}`);
}
