// @ts-check
/** Files on their way to the server, one after the other: the line is shared. Knows no element. */
import { upload } from "../core/api.js";
import { signal } from "../core/island.js";

/**
 * `lost`: the network went away; the file is still here and goes again by itself. `same`: it had been sent before.
 * @typedef {"waiting"|"sending"|"checking"|"lost"|"refused"|"same"} Stage
 * @typedef {{key: number, file: File, grouping: string, stage: Stage, share: number, error: any, stop: AbortController}} Sending
 */

const AGAIN_MS = 4000; // doubled each time it is lost anew
const SELDOM_MS = 60_000;

export class Line {
  #running = false;
  #keys = 0;
  #timer = 0;
  #wait = AGAIN_MS;
  #back = () => this.#sendLost();

  /**
   * @param {string} exam
   * @param {(job: any) => Promise<boolean>} arrived  a file was accepted as this job; answers whether it was there before
   */
  constructor(exam, arrived) {
    this.exam = exam;
    this.arrived = arrived;
    this.sendings = signal(/** @type {Sending[]} */ ([]));
    window.addEventListener("online", this.#back);
  }

  close() {
    window.removeEventListener("online", this.#back);
    clearTimeout(this.#timer);
    for (const each of this.sendings.value) each.stop.abort();
  }

  get unsent() {
    return this.sendings.value.some((each) => ["waiting", "sending", "lost"].includes(each.stage));
  }

  /** @param {File[]} files  @param {string} grouping */
  add(files, grouping) {
    const fresh = files.map((file) => this.#fresh(file, grouping));
    this.sendings.value = [...this.sendings.value, ...fresh];
    this.#run();
  }

  /** @param {File} file  @param {string} grouping  @returns {Sending} */
  #fresh(file, grouping) {
    return { key: (this.#keys += 1), file, grouping, stage: "waiting", share: 0, error: null, stop: new AbortController() };
  }

  /** Send once more what did not arrive. @param {number} key */
  again(key) {
    this.#change(key, { stage: "waiting", share: 0, error: null, stop: new AbortController() });
    this.#run();
  }

  /** Stop sending, or forget what was told about it. @param {number} key */
  remove(key) {
    const gone = this.sendings.value.find((each) => each.key === key);
    this.sendings.value = this.sendings.value.filter((each) => each.key !== key);
    gone?.stop.abort();
  }

  #sendLost() {
    clearTimeout(this.#timer);
    for (const each of this.sendings.value) if (each.stage === "lost") this.again(each.key);
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    for (let next; (next = this.sendings.value.find((each) => each.stage === "waiting")); ) await this.#send(next);
    this.#running = false;
  }

  /** @param {Sending} sending */
  async #send({ key, file, grouping, stop }) {
    this.#change(key, { stage: "sending" });
    const progressed = (/** @type {number} */ share) => this.#change(key, { share, stage: share < 1 ? "sending" : "checking" });
    try {
      const job = await upload(`/exams/${this.exam}/uploads?grouping=${grouping}`, file, progressed, stop.signal);
      this.#wait = AGAIN_MS;
      if (await this.arrived(job)) this.#change(key, { stage: "same" });
      else this.remove(key);
    } catch (error) {
      const { status, name } = /** @type {any} */ (error);
      if (name === "AbortError") this.remove(key);
      else if (status === 0) this.#lost(key);
      else this.#change(key, { stage: "refused", error });
    }
  }

  /** The browser may tell when the network is back, but knows nothing of a server that is: ask it now and then. */
  #lost(/** @type {number} */ key) {
    this.#change(key, { stage: "lost" });
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(this.#back, this.#wait);
    this.#wait = Math.min(SELDOM_MS, this.#wait * 2);
  }

  /** @param {number} key  @param {Partial<Sending>} change */
  #change(key, change) {
    this.sendings.value = this.sendings.value.map((each) => (each.key === key ? { ...each, ...change } : each));
  }
}
