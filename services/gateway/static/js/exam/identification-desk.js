/**
 * <identification-desk exam copies identified candidates>: the header of a copy, what was read, who it may be.
 * Enter takes the chosen candidate and goes on; arrows choose; typing searches; everything can be taken back.
 */
import { all, call } from "../core/api.js";
import { bar, h, icon } from "../core/dom.js";
import { note } from "../core/problem.js";
import { known, n, t } from "../core/words.js";

const READ_AGAIN_MS = 2500;
const SHOWN = 8;
const LINES = 3; // the fields come first, then all there is on the strip
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

class IdentificationDesk extends HTMLElement {
  #queue = [];
  #candidates = [];
  #at = 0;
  #chosen = 0;
  #offered = [];
  #last = null;

  async connectedCallback() {
    this.exam = this.getAttribute("exam");
    this.copies = Number(this.getAttribute("copies"));
    this.identified = Number(this.getAttribute("identified"));
    try {
      await this.#load();
    } catch (error) {
      this.replaceChildren(note(error));
    }
  }

  async #load() {
    [this.#queue, this.#candidates] = await Promise.all([
      all(`/exams/${this.exam}/identification`), all(`/exams/${this.exam}/candidates`)]);
    this.#at = 0;
    this.#draw();
    this.#listen();
  }

  /** While a header is still being read, ask again. */
  #listen() {
    clearTimeout(this.timer);
    if (!this.#queue.some((each) => each.reading === null)) return;
    this.timer = setTimeout(async () => {
      try {
        const fresh = new Map((await all(`/exams/${this.exam}/identification`)).map((each) => [each.copy_id, each]));
        const current = this.#queue[this.#at];
        this.#queue = this.#queue.map((each) => fresh.get(each.copy_id) ?? each);
        if (current && current.reading === null && this.#queue[this.#at].reading !== null && !this.search.value) this.#draw();
      } catch { /* the next round asks again; what the person does meanwhile tells its own problems */ }
      this.#listen();
    }, READ_AGAIN_MS);
  }

  #draw() {
    if (!this.#queue.length) return this.#finished();
    const copy = this.#queue[this.#at];
    this.search = h("input", { type: "search", autocomplete: "off", placeholder: t("identify.search"), role: "combobox", "aria-expanded": "true",
      "aria-controls": "people", "aria-label": t("identify.search"), oninput: () => this.#offer(), onkeydown: (event) => this.#key(event) });
    this.people = h("ul", { class: "people", id: "people", role: "listbox", "aria-label": t("identify.candidates") });
    this.told = h("div", { "aria-live": "assertive" });
    this.confirm = h("button", { class: "button solid wide", type: "button", onclick: () => this.#take() }, t("identify.confirm"), h("kbd", {}, "↵"));
    this.replaceChildren(this.#progress(), h("div", { class: "desk" },
      h("section", { class: "panel", "aria-label": t("identify.header") },
        h("h2", {}, t("copy.title", { id: copy.anonymous_id })),
        copy.header ? h("img", { class: "crop", src: copy.header.href, width: copy.header.width_px, height: copy.header.height_px, alt: t("identify.header") })
          : h("p", { class: "note warn" }, icon("alert"), h("span", {}, t("identify.no_header"), " ", h("a", { href: `/copies/${copy.copy_id}` }, t("identify.see_copy")))),
        h("p", { class: "read" }, icon("reading"), h("span", {}, this.#reading(copy))),
        this.#strip()),
      h("section", { class: "panel", "aria-label": t("identify.candidates") },
        h("div", { class: "find" }, icon("search"), this.search), this.people, this.told,
        h("div", { class: "desk-foot" }, this.confirm, h("div", { class: "acts" },
          h("button", { class: "button small", type: "button", disabled: !this.#last, onclick: () => this.#undo() }, icon("undo"), t("identify.undo")),
          h("button", { class: "button small", type: "button", disabled: this.#queue.length < 2, onclick: () => this.#go(this.#at + 1) }, t("identify.skip"), icon("next")))))));
    this.#offer();
    this.search.focus({ preventScroll: true });
  }

  #progress() {
    const { identified, copies } = this;
    return h("div", { class: "prog" }, h("progress", { max: copies || 1, value: identified, "aria-label": n("identify.progress", identified, { copies }) }),
      h("span", { role: "status" }, n("identify.progress", identified, { copies })));
  }

  #reading(copy) {
    if (copy.reading === null) return t("identify.being_read");
    if (!copy.reading.length) return known(`identify.outcome.${copy.reading_outcome}`, t("identify.nothing_read"));
    return [`${t("identify.read")} `, h("b", {}, copy.reading.slice(0, LINES).join(" · "))];
  }

  #strip() {
    const from = Math.max(0, Math.min(this.#at, this.#queue.length - 4));
    return h("div", { class: "queue" }, this.#queue.slice(from, from + 4).map((each, at) => h("button",
      { type: "button", "aria-current": from + at === this.#at && "true", onclick: () => this.#go(from + at) },
      each.header ? h("img", { src: each.header.href, alt: "", loading: "lazy" }) : "", h("span", {}, each.anonymous_id))));
  }

  /** Suggestions as they were ranked, or everybody without a copy who fits what was typed. */
  #offer() {
    const copy = this.#queue[this.#at];
    const typed = fold(this.search.value.trim()).split(/\s+/).filter(Boolean);
    const free = this.#candidates.filter((each) => !each.copy_id);
    const fits = (each) => typed.every((part) => fold(`${each.last_name} ${each.first_name} ${each.class} ${each.ine ?? ""}`).includes(part));
    const ranked = copy.suggestions.map((each) => ({ ...each, id: each.candidate_id }));
    this.#offered = (typed.length || !ranked.length ? free.filter(fits) : ranked).slice(0, SHOWN);
    this.#chosen = 0;
    this.people.replaceChildren(...this.#offered.map((each, at) => h("li",
      { role: "option", id: `person-${at}`, onclick: () => { this.#choose(at); this.search.focus(); }, ondblclick: () => this.#take() },
      h("span", { class: "name" }, `${each.last_name} ${each.first_name} `, h("small", {}, each.class)),
      each.confidence !== undefined && sure(each.confidence))));
    if (!this.#offered.length) this.people.append(h("li", { class: "quiet" }, t(this.#candidates.length ? "identify.nobody" : "identify.no_roster")));
    this.#choose(0);
  }

  #choose(at) {
    this.#chosen = Math.max(0, Math.min(at, this.#offered.length - 1));
    [...this.people.children].forEach((each, one) => each.setAttribute("aria-selected", String(one === this.#chosen && this.#offered.length > 0)));
    this.search.setAttribute("aria-activedescendant", this.#offered.length ? `person-${this.#chosen}` : "");
    this.people.children[this.#chosen]?.scrollIntoView({ block: "nearest" });
    this.confirm.disabled = !this.#offered.length;
  }

  #key(event) {
    const acts = { ArrowDown: () => this.#choose(this.#chosen + 1), ArrowUp: () => this.#choose(this.#chosen - 1), Enter: () => this.#take(),
      PageDown: () => this.#go(this.#at + 1), PageUp: () => this.#go(this.#at - 1) };
    const act = acts[event.key];
    if (!act || event.isComposing) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow")) act();
  }

  #go(at) {
    this.#at = (at + this.#queue.length) % this.#queue.length;
    this.#draw();
  }

  async #take() {
    const copy = this.#queue[this.#at];
    const person = this.#offered[this.#chosen];
    if (!person || this.confirm.disabled) return;
    this.confirm.disabled = true;
    try {
      await call("PUT", `/copies/${copy.copy_id}/identification`,
        { candidate_id: person.id, replaces: copy.candidate_id });
    } catch (error) {
      this.told.replaceChildren(note(error));
      this.confirm.disabled = false;
      return;
    }
    this.#owner(person.id, copy.copy_id);
    this.#last = { copy, person: person.id };
    this.identified += 1;
    this.#queue.splice(this.#at, 1);
    this.#at = Math.min(this.#at, this.#queue.length - 1);
    this.#draw();
  }

  async #undo() {
    const { copy, person } = this.#last;
    try {
      const back = await call("DELETE", `/copies/${copy.copy_id}/identification`);
      this.#queue.unshift(back);
    } catch (error) {
      this.told?.replaceChildren(note(error));
      return;
    }
    this.#owner(person, null);
    this.#last = null;
    this.identified -= 1;
    this.#at = 0;
    this.#draw();
  }

  #owner(person, copy) {
    const candidate = this.#candidates.find((each) => each.id === person);
    if (candidate) candidate.copy_id = copy;
    for (const each of this.#queue) if (copy) each.suggestions = each.suggestions.filter((one) => one.candidate_id !== person);
  }

  #finished() {
    const any = this.copies > 0;
    this.replaceChildren(any ? this.#progress() : "", h("div", { class: "empty" }, icon(any ? "check" : "identification"),
      h("h2", {}, t(any ? "identify.done.title" : "identify.empty.title")), h("p", {}, t(any ? "identify.done.text" : "identify.empty.text")),
      h("div", { class: "acts" }, this.#last && h("button", { class: "button", type: "button", onclick: () => this.#undo() }, icon("undo"), t("identify.undo")),
        h("a", { class: "button solid", href: `/exams/${this.exam}/${any ? "allocation" : "scans"}` }, t(any ? "nav.allocation" : "nav.scans")))));
  }
}

function sure(confidence) {
  const kind = confidence >= 0.85 ? "high" : confidence >= 0.5 ? "mid" : "low";
  return h("span", { class: "sure" }, bar(confidence, kind), `${Math.round(confidence * 100)} %`);
}

customElements.define("identification-desk", IdentificationDesk);
