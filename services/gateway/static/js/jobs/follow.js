// @ts-check
/** Jobs as they go on, in one stream for all of them: a browser opens few connections to one place. */
const MOST = 12; // as the API allows
const AGAIN_MS = 3000;
export const ENDED = new Set(["succeeded", "failed", "cancelled"]);

/** @typedef {{id: string, type: string, status: string, done: number, total: number, error: any, name: string|null,
 *   exam_id: string|null, started_at: string|null, result: {href: string}|null,
 *   items: {id: string, status: string, error: any, name: string|null, repeatable: boolean}[]}} Job */

export class Follower {
  /** @type {EventSource|null} */
  #source = null;
  /** @type {Set<string>} */
  #ids = new Set();
  #timer = 0;

  /** @param {(job: Job) => void} told  each time a job changed */
  constructor(told) {
    this.told = told;
  }

  /** Follow these too, until they end. @param {Iterable<string>} ids */
  add(ids) {
    const before = this.#ids.size;
    for (const id of ids) this.#ids.add(id);
    if (this.#ids.size !== before) this.#open();
  }

  stop() {
    this.#ids.clear();
    this.#close();
  }

  #open() {
    this.#close();
    if (!this.#ids.size) return;
    const source = new EventSource(`/api/v1/jobs/events?ids=${[...this.#ids].slice(0, MOST).join(",")}`);
    source.onmessage = (event) => this.#heard(JSON.parse(event.data));
    source.onerror = () => {
      // The server lets go after some seconds and the browser comes back by itself, unless it was told an error.
      if (source.readyState !== EventSource.CLOSED) return;
      this.#close();
      this.#timer = window.setTimeout(() => this.#open(), AGAIN_MS);
    };
    this.#source = source;
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /** @param {Job} job */
  #heard(job) {
    if (ENDED.has(job.status)) {
      this.#ids.delete(job.id);
      if (!this.#ids.size) this.#close();
      else if (this.#ids.size >= MOST) this.#open();
    }
    this.told(job);
  }
}
