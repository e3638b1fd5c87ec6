// @ts-check
/**
 * <identification-desk exam>: whose copy is this. The header of a copy, what was read, who it may be: Enter takes the
 * chosen candidate and goes on; arrows and Alt+1…9 choose; typing searches the whole roster; all can be taken back.
 */
import { all, call } from "../core/api.js";
import { Island, batch, computed, html, icon, nothing, repeat, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { known, n, t } from "../core/words.js";
import { fits, words } from "./people.js";
import { addPerson } from "./new-candidate.js";
import "./identified-copies.js";
import "./sheet-model.js";

/** @typedef {{href: string, width_px: number, height_px: number}} Picture */
/** @typedef {{candidate_id: string, last_name: string, first_name: string, class: string, confidence: number}} Suggestion */
/** @typedef {{copy_id: string, anonymous_id: string, candidate_id: string | null, reading: string[] | null, reading_outcome: string | null, suggestions: Suggestion[], header: Picture | null, decided_by: "person" | "machine" | null, doubt: "exchanged" | "unlikely" | null}} Copy */
/** @typedef {{id: string, last_name: string, first_name: string, class: string, ine: string | null, copy_id: string | null, confidence?: number}} Person */
/** @typedef {{copies: number, identified: number, by_machine: number, doubtful: number, unread: number}} Standing */

const READ_AGAIN_MS = 2500;
const SHOWN = 9; // as many as Alt and a digit can choose
const STRIP = 5;
const LINES = 3; // the fields come first, then all there is on the strip
const UNSURE = 0.2; // below this share even the likeliest candidate is no answer

class IdentificationDesk extends Island {
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
  place = signal(/** @type {"queue" | "all" | "model"} */ ("queue"));
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
      const [queue, candidates] = await Promise.all([this.#pending(), all(`${this.path}/candidates`)]);
      batch(() => {
        this.candidates.value = candidates;
        this.queue.value = queue;
        this.at.value = 0;
      });
      this.#listen();
      this.#ready();
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
    return html`${this.bar()}
      ${place === "all" ? html`<identified-copies exam=${this.getAttribute("exam")} @correct=${(/** @type {CustomEvent} */ event) => this.correct(event.detail)}></identified-copies>`
        : place === "model" ? html`<sheet-model exam=${this.getAttribute("exam")} @stored=${() => this.load()}></sheet-model>`
        : this.current.value ? this.desk(this.current.value, queue) : this.finished()}`;
  }

  bar() {
    const { copies, identified, by_machine: machine } = this.standing.value;
    const where = (/** @type {"queue" | "all" | "model"} */ name, /** @type {number | null} */ count, /** @type {string} */ picture) => html`<button type="button"
      aria-pressed=${String(this.place.value === name)} @click=${() => this.go(name)}>${icon(picture)}${t(`identify.place.${name}`)}${count === null ? nothing : html` <b>${count}</b>`}</button>`;
    return html`<div class="desk-bar"><div class="places" role="group" aria-label=${t("nav.identification")}>
        ${where("queue", this.queue.value?.length ?? 0, "inbox")}${where("all", copies, "list")}${where("model", null, "scan")}</div>
      <div class="standing" role="status"><progress max=${copies || 1} value=${identified} aria-label=${n("identify.progress", identified, { copies })}></progress>
        <span><b>${identified}</b> ${n("identify.of", identified, { copies })}${identified ? ` · ${n("identify.by_machine", machine)} · ${n("identify.by_person", identified - machine)}` : ""}</span></div></div>`;
  }

  /** @param {"queue" | "all" | "model"} place */
  go(place) {
    this.place.value = place;
    if (place === "queue") this.#ready();
  }

  /** @param {Copy} copy @param {Copy[]} queue */
  desk(copy, queue) {
    return html`<div class="desk"><section class="panel" aria-labelledby="desk-copy">
        <header class="desk-head"><h2 id="desk-copy">${t("copy.title", { id: copy.anonymous_id })}</h2><span class="quiet small">${t("identify.position", { at: this.at.value + 1, of: queue.length })}</span>
          <span class="grow"></span><a class="button small" href="/copies/${copy.copy_id}">${icon("eye")}${t("identify.see_copy")}</a></header>
        ${copy.header ? html`<img class="crop" src=${copy.header.href} width=${copy.header.width_px} height=${copy.header.height_px} alt=${t("identify.header")}>`
          : html`<p class="note warn">${icon("alert")}<span>${t("identify.no_header")}</span></p>`}
        <div class="read">${icon("reading")}<div>${this.reading(copy)}</div></div>
        ${this.doubt(copy)}
        ${this.strip(queue)}
      </section>
      <section class="panel" aria-label=${t("identify.candidates")}>
        <div class="find">${icon("search")}<input class="who" type="search" autocomplete="off" spellcheck="false" placeholder=${t("identify.search")} role="combobox" aria-expanded="true" aria-autocomplete="list"
          aria-controls="people" aria-label=${t("identify.search")} aria-activedescendant=${this.offered.value.length ? `person-${this.chosen.value}` : nothing}
          .value=${this.typed.value} @input=${(/** @type {any} */ event) => { this.chosen.value = 0; this.typed.value = event.target.value; }} @keydown=${(/** @type {KeyboardEvent} */ event) => this.key(event)}></div>
        ${this.people()}
        <div aria-live="assertive">${this.told.value}</div>
        ${this.adding.value ? addPerson(this.getAttribute("exam") ?? "", (person) => this.added(person), () => { this.adding.value = false; }) : this.acts(queue)}
      </section></div>`;
  }

  people() {
    const offered = this.offered.value;
    if (!offered.length) {
      const empty = this.candidates.value.length === 0;
      return html`<p class="quiet nobody" role="status">${t(empty ? "identify.no_roster" : "identify.nobody")}${empty ? html` <a href="${`/exams/${this.getAttribute("exam")}/roster`}">${t("nav.roster")}</a>` : nothing}</p>
        <ul class="people" id="people" role="listbox" aria-label=${t("identify.candidates")} hidden></ul>`;
    }
    return html`<ul class="people" id="people" role="listbox" aria-label=${t("identify.candidates")}>${repeat(offered, (each) => each.id, (each, at) => html`<li
      role="option" id="person-${at}" aria-selected=${String(at === this.chosen.value)} @click=${() => { this.chosen.value = at; this.#ready(); }} @dblclick=${() => this.take()}>
      <kbd aria-hidden="true">Alt ${at + 1}</kbd><span class="name">${each.last_name} ${each.first_name} <small>${each.class}</small>${this.has(each)}</span>
      ${each.confidence === undefined ? nothing : sure(each.confidence)}</li>`)}</ul>`;
  }

  /** @param {Person} person */
  has(person) {
    const copy = this.current.value;
    if (copy?.candidate_id === person.id) return html`<small class="tag">${t("identify.now")}</small>`;
    return person.copy_id ? html`<small class="taken">${t("identify.taken")}</small>` : nothing;
  }

  /** @param {Copy[]} queue */
  acts(queue) {
    return html`<div class="desk-foot"><button class="button solid wide" type="button" ?disabled=${!this.offered.value.length} aria-busy=${String(this.busy.value)} @click=${() => this.take()}>${t("identify.confirm")}<kbd>↵</kbd></button>
      <div class="acts"><button class="button small" type="button" ?disabled=${!this.done.value.length} @click=${() => this.undo()}>${icon("undo")}${t("identify.undo")}</button>
        <button class="button small" type="button" ?disabled=${queue.length < 2} @click=${() => this.step(1)}>${t("identify.skip")}${icon("next")}</button></div>
      <button class="button small absent" type="button" @click=${() => { this.adding.value = true; }}>${icon("user-plus")}${t("identify.absent")}</button></div>`;
  }

  /** @param {Copy} copy */
  reading(copy) {
    if (copy.reading_outcome === null) return html`<span class="quiet">${t("identify.being_read")}</span>`;
    const again = html`<button class="button small" type="button" @click=${() => this.readAgain(copy)}>${icon("refresh-cw")}${t("identify.read_again")}</button>`;
    if (!copy.reading?.length) return html`${known(`identify.outcome.${copy.reading_outcome}`, t("identify.nothing_read"))} ${copy.header ? again : nothing}`;
    return html`<span class="quiet">${t("identify.read")}</span> <b>${copy.reading.slice(0, LINES).join(" · ")}</b>`;
  }

  /** @param {Copy} copy */
  doubt(copy) {
    const best = copy.suggestions[0]?.confidence ?? 0;
    const found = copy.doubt ?? (copy.reading?.length && this.candidates.value.length && best < UNSURE ? "nobody" : "");
    return found ? html`<p class="note warn">${icon("alert")}<span>${t(`identify.doubt.${found}`)}</span></p>` : nothing;
  }

  /** @param {Copy[]} queue */
  strip(queue) {
    const from = Math.max(0, Math.min(this.at.value - 1, queue.length - STRIP));
    return html`<div class="queue" role="group" aria-label=${t("identify.upcoming")}>${repeat(queue.slice(from, from + STRIP), (each) => each.copy_id, (each, at) => html`<button type="button"
      aria-current=${from + at === this.at.value ? "true" : nothing} @click=${() => this.step(from + at - this.at.value)}>
      ${each.header ? html`<img src=${each.header.href} alt="">` : html`<span class="no-header">${icon("scan")}</span>`}<span>${each.anonymous_id}${each.doubt ? html` <i class="doubtful" title=${t(`identify.doubt.${each.doubt}`)}></i>` : nothing}</span></button>`)}</div>`;
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
    this.#ready();
  }

  #fresh() {
    this.chosen.value = 0;
    this.typed.value = "";
    this.told.value = nothing;
    this.adding.value = false;
  }

  #ready() {
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
    this.#ready();
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
    this.#ready();
  }

  /** A copy that is settled, back on the desk. @param {Copy} copy */
  correct(copy) {
    batch(() => {
      this.queue.value = [copy, ...(this.queue.value ?? []).filter((each) => each.copy_id !== copy.copy_id)];
      this.at.value = 0;
      this.#fresh();
      this.place.value = "queue";
    });
    this.#ready();
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

  finished() {
    const { copies, identified, by_machine: machine } = this.standing.value;
    if (!copies) return html`<div class="empty">${icon("identification")}<h2>${t("identify.empty.title")}</h2><p>${t("identify.empty.text")}</p><a class="button solid" href=${`/exams/${this.getAttribute("exam")}/scans`}>${t("nav.scans")}</a></div>`;
    return html`<div class="empty done">${icon("check-check")}<h2>${t("identify.done.title")}</h2><p>${t("identify.done.text")}</p>
      <dl class="figures"><div><dt>${t("figure.identified")}</dt><dd>${identified}</dd></div><div><dt>${t("identify.figure.machine")}</dt><dd>${machine}</dd></div><div><dt>${t("identify.figure.person")}</dt><dd>${identified - machine}</dd></div></dl>
      <div class="acts">${this.done.value.length ? html`<button class="button" type="button" @click=${() => this.undo()}>${icon("undo")}${t("identify.undo")}</button>` : nothing}
        <button class="button" type="button" @click=${() => this.go("all")}>${icon("list")}${t("identify.place.all")}</button><a class="button solid" href=${`/exams/${this.getAttribute("exam")}/allocation`}>${t("nav.allocation")}${icon("next")}</a></div></div>`;
  }
}

/** @param {number} confidence */
function sure(confidence) {
  const kind = confidence >= 0.85 ? "high" : confidence >= 0.5 ? "mid" : "low";
  const percent = Math.round(confidence * 100);
  return html`<span class="sure"><svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="ground" width="100" height="8"></rect><rect class=${kind} width=${percent} height="8"></rect></svg><span>${t("identify.sure", { percent })}</span></span>`;
}

customElements.define("identification-desk", IdentificationDesk);
