// @ts-check
/**
 * Which of a person's windows writes on a copy: one at a time. The others look on, get their turn when the one that
 * writes is closed, and may take it over before. One that does not answer loses it.
 */
import { effect, signal } from "../core/island.js";

const GIVEN_UP_MS = 3_000; // for another window to let go

export class Turn {
  role = signal(/** @type {"writing" | "watching"} */ ("watching"));
  #waiting = new AbortController();
  #letGo = () => {};

  /**
   * @param {string} name the same in all windows
   * @param {() => Promise<void>} begins this window is the one that writes from now on
   * @param {() => void} ends it was, and is no more
   */
  constructor(name, begins, ends) {
    this.name = name;
    this.begins = begins;
    this.ends = ends;
  }

  /** Write now if no other window does; else when it is this one's turn, and `after` that. @param {() => void} after */
  async begin(after) {
    this.after = after;
    if (!navigator.locks) await this.#writes(); // plain HTTP: the operations themselves tell two windows apart
    else if (!(await this.#request({ ifAvailable: true }))) this.#wait();
  }

  #wait() {
    this.#request({ signal: this.#waiting.signal }).then(() => this.after?.(), ignoreAbort);
  }

  /** @param {LockOptions} options @returns {Promise<boolean>} whether it is this window's turn */
  #request(options) {
    return new Promise((resolve, reject) => {
      navigator.locks
        .request(this.name, options, async (lock) => {
          if (!lock) return resolve(false);
          await this.#writes();
          resolve(true);
          await new Promise((letGo) => (this.#letGo = () => letGo(undefined)));
        })
        .catch((error) => {
          this.#stop(); // it was taken by force
          reject(error);
        });
    });
  }

  async #writes() {
    await this.begins();
    this.role.value = "writing";
  }

  #stop() {
    if (this.role.peek() !== "writing") return;
    this.role.value = "watching";
    this.ends();
    if (!this.#waiting.signal.aborted) this.#wait();
  }

  /** @param {() => void} ask the other window to let go */
  async take(ask) {
    if (this.role.peek() === "writing") return;
    ask();
    if (await Promise.race([this.#itsTurn(), later(GIVEN_UP_MS)])) return;
    this.#waiting.abort();
    this.#waiting = new AbortController();
    await this.#request({ steal: true });
    this.after?.();
  }

  /** @returns {Promise<boolean>} */
  #itsTurn() {
    return new Promise((resolve) => {
      const stop = effect(() => {
        if (this.role.value !== "writing") return;
        resolve(true);
        queueMicrotask(() => stop());
      });
    });
  }

  /** Let the window write that waits longest. */
  give() {
    this.#letGo();
    this.#stop();
  }

  /** Wait no more, and let others write. */
  end() {
    this.#waiting.abort();
    this.#letGo();
  }

  /** The turn was not given away, and is wanted on. */
  goOn() {
    this.#waiting = new AbortController();
  }
}

/** @param {number} ms @returns {Promise<false>} */
const later = (ms) => new Promise((resolve) => setTimeout(() => resolve(false), ms));

/** @param {any} error */
function ignoreAbort(error) {
  if (error.name !== "AbortError") throw error;
}
