// @ts-check
/**
 * <identification-desk exam>: whose copy is this. The header of a copy, what was read, who it may be: Enter takes the
 * chosen candidate and goes on; arrows and Alt+1…9 choose; typing searches the whole roster; all can be taken back.
 */
import { all, call } from "../core/api.js";
import { Island, batch, computed, html, icon, nothing, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { t } from "../core/words.js";
import { fits, words } from "./people.js";
import { bar, finished, oneCopy } from "./identification-view.js";
import "./identified-copies.js";
import "./printed-names.js";
import "./sheet-model.js";

/** @typedef {{href: string, width_px: number, height_px: number}} Picture */
/** @typedef {{candidate_id: string, last_name: string, first_name: string, class: string, confidence: number, by_place: boolean}} Suggestion */
/** @typedef {{copy_id: string, anonymous_id: string, candidate_id: string | null, reading: string[] | null, reading_outcome: string | null, suggestions: Suggestion[], header: Picture | null, decided_by: "person" | "machine" | null, doubt: "exchanged" | "unlikely" | null}} Copy */
/** @typedef {{id: string, last_name: string, first_name: string, class: string, ine: string | null, copy_id: string | null, confidence?: number, by_place?: boolean}} Person */
/** @typedef {{copies: number, identified: number, by_machine: number, doubtful: number, unread: number}} Standing */
/** @typedef {"queue" | "all" | "printed" | "model"} Place */

const READ_AGAIN_MS = 2500;
const SHOWN = 9; // as many as Alt and a digit can choose

export class IdentificationDesk extends Island {
  queue = signal(/** @type {Copy[] | null} */ (null));
  candidates = signal(/** @type {Person[]} */ ([]));
  standing = signal(/** @type {Standing} */ ({ copies: 0, identified: 0, by_machine: 0, doubtful: 0, unread: 0 }));
  at = signal(0);
  chosen = signal(0);
  typed = signal("");
  done = signal(/** @type {{copy: Copy, person: string}[]} */ ([]));
  told = signal(/** @type {unknown} */ (nothing));
  busy = signal(false);
  adding = signal(false);
  place = signal(/** @type {Place} */ ("queue"));
  printed = signal(/** @type {number | null} */ (null)); // places, null where nobody looks for names
  current = computed(() => this.queue.value?.[this.at.value]);
  offered = computed(() => this.#offer());
  /** @type {number | undefined} */
  #timer;

  get path() {
    return `/exams/${this.getAttribute("exam")}`;
  }

  setup() {
    this.load();
  }

  teardown() {
    clearTimeout(this.#timer);
  }

  async load() {
    try {
      const [queue, candidates, printed] = await Promise.all([
        this.#pending(), all(`${this.path}/candidates`), call("GET", `${this.path}/printed-names?limit=1`),
      ]);
      batch(() => {
        this.candidates.value = candidates;
        this.queue.value = queue;
        this.printed.value = printed.checking || printed.total ? printed.total : null;
        this.at.value = 0;
      });
      this.#listen();
      this.ready();
    } catch (error) {
      this.told.value = note(error);
    }
  }

  /** All that waits for a person, and how the exam stands. @returns {Promise<Copy[]>} */
  async #pending() {
    /** @type {Copy[]} */
    const items = [];
    let cursor = "";
    do {
      const part = await call("GET", `${this.path}/identification?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      items.push(...part.items);
      this.standing.value = part.standing;
      cursor = part.next ?? "";
    } while (cursor);
    return items;
  }

  /** While headers are still being read, ask again. */
  #listen() {
    clearTimeout(this.#timer);
    if (!this.queue.value?.some((each) => each.reading_outcome === null)) return;
    this.#timer = window.setTimeout(async () => {
      try {
        this.#merge(await this.#pending());
      } catch (error) {
        console.warn("asked in vain what was read", error); // the next round asks again
      }
      this.#listen();
    }, READ_AGAIN_MS);
  }

  /** What came meanwhile, without moving what somebody is looking at. @param {Copy[]} fresh */
  #merge(fresh) {
    const byId = new Map(fresh.map((each) => [each.copy_id, each]));
    const looking = this.current.value;
    const kept = (this.queue.value ?? []).flatMap((each) => {
      const now = byId.get(each.copy_id);
      byId.delete(each.copy_id);
      return now ? [now] : each === looking ? [each] : [];
    });
    const queue = [...kept, ...byId.values()];
    batch(() => {
      this.queue.value = queue;
      this.at.value = Math.max(0, queue.findIndex((each) => each.copy_id === looking?.copy_id));
    });
  }

  /** Suggestions as they were ranked, or everybody who fits what was typed, those without a copy first. */
  #offer() {
    const copy = this.current.value;
    if (!copy) return [];
    const typed = words(this.typed.value);
    const people = this.candidates.value;
    const mine = people.filter((each) => each.id === copy.candidate_id);
    if (typed.length) {
      const found = people.filter((each) => fits(each, typed));
      return [...found.filter((each) => !each.copy_id), ...found.filter((each) => each.copy_id)].slice(0, SHOWN);
    }
    const ranked = copy.suggestions.map((each) => ({ ...each, id: each.candidate_id, ine: null, copy_id: people.find((one) => one.id === each.candidate_id)?.copy_id ?? null }));
    const now = mine.filter((each) => !ranked.some((one) => one.id === each.id));
    const some = ranked.length || now.length ? [] : people.filter((each) => !each.copy_id);
    return [.../** @type {Person[]} */ (ranked), ...now, ...some].slice(0, SHOWN);
  }

  view() {
    const queue = this.queue.value;
    if (!queue) return html`<p class="quiet">${this.told.value === nothing ? t("list.loading") : this.told.value}</p>`;
    const place = this.place.value;
    return html`${bar(this)}
      ${place === "all" ? html`<identified-copies exam=${this.getAttribute("exam")} @correct=${(/** @type {CustomEvent} */ event) => this.correct(event.detail)}></identified-copies>`
        : place === "printed" ? html`<printed-names exam=${this.getAttribute("exam")} @counted=${(/** @type {CustomEvent} */ event) => { this.printed.value = event.detail; }}></printed-names>`
        : place === "model" ? html`<sheet-model exam=${this.getAttribute("exam")} @stored=${() => this.load()}></sheet-model>`
        : this.current.value ? oneCopy(this, this.current.value, queue) : finished(this)}`;
  }

  /** @param {Place} place */
  go(place) {
    this.place.value = place;
    if (place === "queue") this.ready();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing) return;
    const digit = event.altKey && event.code.match(/^Digit([1-9])$/)?.[1];
    const last = this.offered.value.length - 1;
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowDown: () => { this.chosen.value = Math.min(this.chosen.value + 1, Math.max(0, last)); },
      ArrowUp: () => { this.chosen.value = Math.max(this.chosen.value - 1, 0); },
      Enter: () => this.take(), PageDown: () => this.step(1), PageUp: () => this.step(-1),
      Escape: () => { this.typed.value = ""; this.chosen.value = 0; },
    };
    let act = acts[event.key];
    if (digit) act = () => { if (Number(digit) - 1 <= last) this.chosen.value = Number(digit) - 1; };
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !this.typed.value) act = () => this.undo();
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow")) act();
  }

  /** @param {number} by */
  step(by) {
    const length = this.queue.value?.length ?? 0;
    batch(() => {
      this.at.value = (this.at.value + by + length) % length;
      this.#fresh();
    });
    this.ready();
  }

  #fresh() {
    this.chosen.value = 0;
    this.typed.value = "";
    this.told.value = nothing;
    this.adding.value = false;
  }

  /** The search has the focus, the choice is in sight. */
  ready() {
    setTimeout(() => {
      /** @type {HTMLElement | null} */ (this.querySelector(".who"))?.focus({ preventScroll: true });
      this.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
    });
  }

  async take() {
    const copy = this.current.value;
    const person = this.offered.value[this.chosen.value];
    if (copy && person && !this.busy.value) await this.#identify(copy, person);
  }

  /** @param {Copy} copy @param {Person} person */
  async #identify(copy, person) {
    this.busy.value = true;
    this.told.value = nothing;
    try {
      await call("PUT", `/copies/${copy.copy_id}/identification`, { candidate_id: person.id, replaces: copy.candidate_id });
      this.#settled(copy, person);
    } catch (error) {
      const problem = /** @type {any} */ (error).document;
      this.told.value = problem?.code === "grading.candidate_taken" && problem.copy_id ? this.taken(copy, person, problem) : note(error);
    }
    this.busy.value = false;
    this.ready();
  }

  /** @param {Copy} copy @param {Person} person */
  #settled(copy, person) {
    const freed = this.candidates.value.find((each) => each.id === person.id)?.copy_id;
    batch(() => {
      const queue = (this.queue.value ?? []).filter((each) => each.copy_id !== copy.copy_id);
      this.queue.value = queue.map((each) => ({ ...each, suggestions: each.suggestions.filter((one) => one.candidate_id !== person.id) }));
      this.at.value = Math.max(0, Math.min(this.at.value, queue.length - 1));
      this.done.value = [...this.done.value, { copy, person: person.id }];
      this.#own(person.id, copy.copy_id, copy.candidate_id);
      this.#fresh();
    });
    this.#recount(freed !== undefined && freed !== null && freed !== copy.copy_id);
  }

  /** Who has which copy now. @param {string | null} person @param {string | null} copy @param {string | null} [before] */
  #own(person, copy, before) {
    this.candidates.value = this.candidates.value.map((each) => each.id === person ? { ...each, copy_id: copy } : each.id === before && before !== person ? { ...each, copy_id: null } : each);
  }

  /** Ask how the exam stands; with `all`, also for copies that a choice set free. @param {boolean} whole */
  async #recount(whole) {
    try {
      if (whole) this.#merge(await this.#pending());
      else this.standing.value = (await call("GET", `${this.path}/identification?limit=1`)).standing;
    } catch (error) {
      console.warn("the count is of a moment ago", error);
    }
  }

  /** Somebody else's copy has this candidate: say which, and let one decide. @param {Copy} copy @param {Person} person @param {any} problem */
  taken(copy, person, problem) {
    const give = async () => {
      try {
        await call("DELETE", `/copies/${problem.copy_id}/identification`);
      } catch (error) {
        this.told.value = note(error);
        return;
      }
      await this.#identify(copy, { ...person, copy_id: problem.copy_id });
      await this.#recount(true);
    };
    return html`<div class="note bad" role="alert">${icon("alert")}<div><p>${problem.detail}</p><p class="acts">
      <a class="button small" href="/copies/${problem.copy_id}" target="_blank" rel="noopener">${icon("external-link")}${t("identify.taken.look", { id: problem.anonymous_id })}</a>
      <button class="button small" type="button" @click=${give}>${t("identify.taken.give")}</button></p></div></div>`;
  }

  async undo() {
    const last = this.done.value.at(-1);
    if (!last || this.busy.value) return;
    this.busy.value = true;
    const { copy, person } = last;
    const path = `/copies/${copy.copy_id}/identification`;
    try {
      const back = copy.candidate_id ? await call("PUT", path, { candidate_id: copy.candidate_id, replaces: person }) : await call("DELETE", path);
      batch(() => {
        this.queue.value = [back, ...(this.queue.value ?? []).filter((each) => each.copy_id !== copy.copy_id)];
        this.done.value = this.done.value.slice(0, -1);
        this.at.value = 0;
        this.#own(person, null);
        if (copy.candidate_id) this.#own(copy.candidate_id, copy.copy_id);
        this.#fresh();
        this.place.value = "queue";
      });
      this.#recount(false);
    } catch (error) {
      this.told.value = note(error);
    }
    this.busy.value = false;
    this.ready();
  }

  /** A copy that is settled, back on the desk. @param {Copy} copy */
  correct(copy) {
    batch(() => {
      this.queue.value = [copy, ...(this.queue.value ?? []).filter((each) => each.copy_id !== copy.copy_id)];
      this.at.value = 0;
      this.#fresh();
      this.place.value = "queue";
    });
    this.ready();
  }

  /** Somebody who was missing on the roster: there now, and this copy is theirs. @param {Person} person */
  async added(person) {
    const copy = /** @type {Copy} */ (this.current.value);
    this.candidates.value = [...this.candidates.value.filter((each) => each.id !== person.id), person];
    await this.#identify(copy, person);
  }

  /** @param {Copy} copy */
  async readAgain(copy) {
    try {
      const fresh = await call("POST", `/copies/${copy.copy_id}/identification/reading`);
      this.queue.value = (this.queue.value ?? []).map((each) => each.copy_id === copy.copy_id ? fresh : each);
      this.#listen();
    } catch (error) {
      this.told.value = note(error);
    }
  }

}

customElements.define("identification-desk", IdentificationDesk);
