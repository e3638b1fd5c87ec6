// @ts-check
/**
 * What was done and is not acknowledged, on this computer: it survives a reload, a crash of the tab and a power cut.
 *
 * Each person has a journal of their own: on a shared computer nobody sends what somebody else did. Without IndexedDB,
 * or when it is full, everything works but this, and `keeps` is false for the desk to say so.
 */
import { signal } from "../core/island.js";

/** @typedef {import("./sheet.js").Op} Op */
/** @typedef {{seq?: number, copy_id: string, op: Op}} Entry */

const STORE = "ops";

export class Journal {
  /** Whether the last thing that was done could be kept. */
  keeps = signal(true);
  /** @type {Promise<IDBDatabase | null>} */
  #opened;

  /** @param {string} user whose journal it is */
  constructor(user) {
    this.#opened = opened(`korrigo-journal-${user}`).catch((error) => {
      console.warn("this browser keeps no journal", error);
      this.keeps.value = false;
      return null;
    });
  }

  /** Keep one operation; whether it is on the disk. @param {string} copyId @param {Op} op @returns {Promise<boolean>} */
  async add(copyId, op) {
    const database = await this.#opened;
    if (!database) return false;
    try {
      await done(database, (store) => store.add({ copy_id: copyId, op }));
      this.keeps.value = true;
      return true;
    } catch (error) {
      console.warn("the journal took nothing more", error);
      this.keeps.value = false;
      return false;
    }
  }

  /** Forget what is settled, by the ids of operations. @param {string} copyId @param {Iterable<string>} ids */
  async remove(copyId, ids) {
    const database = await this.#opened;
    const settled = new Set(ids);
    if (!database || settled.size === 0) return;
    const entries = (await this.#entries(database)).filter((entry) => entry.copy_id === copyId && settled.has(entry.op.id));
    await done(database, (store) => entries.forEach((entry) => store.delete(/** @type {number} */ (entry.seq))));
  }

  /** What was done to a copy, in its order. @param {string} copyId @returns {Promise<Op[]>} */
  async of(copyId) {
    const database = await this.#opened;
    if (!database) return [];
    return (await this.#entries(database)).filter((entry) => entry.copy_id === copyId).map((entry) => entry.op);
  }

  /** How much is kept for each copy. @returns {Promise<Map<string, number>>} */
  async counts() {
    const database = await this.#opened;
    const counts = new Map();
    for (const { copy_id: id } of database ? await this.#entries(database) : []) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  }

  /** All of it: there is never more than what a few minutes without a network bring. @param {IDBDatabase} database */
  #entries(database) {
    return /** @type {Promise<Entry[]>} */ (
      new Promise((resolve, reject) => {
        const asked = database.transaction(STORE, "readonly").objectStore(STORE).getAll();
        asked.onsuccess = () => resolve(asked.result);
        asked.onerror = () => reject(asked.error);
      })
    );
  }
}

/** @param {string} name @returns {Promise<IDBDatabase>} */
function opened(name) {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "seq", autoIncrement: true });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/** One transaction; `strict`: it is over when it is on the disk. @param {IDBDatabase} database @param {(store: IDBObjectStore) => void} act @returns {Promise<void>} */
function done(database, act) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    act(transaction.objectStore(STORE));
  });
}
