// @ts-check
/** What the identification desk looks like; `identification-desk.js` is what it does. */
import { html, icon, nothing, repeat } from "../core/island.js";
import { known, n, t } from "../core/words.js";
import { addPerson } from "./new-candidate.js";

/** @typedef {import("./identification-desk.js").IdentificationDesk} Desk */
/** @typedef {import("./identification-desk.js").Copy} Copy */
/** @typedef {import("./identification-desk.js").Person} Person */

const STRIP = 5;
const LINES = 3; // the fields come first, then all there is on the strip
const UNSURE = 0.2; // below this share even the likeliest candidate is no answer

/** The places of the desk, and how the exam stands. @param {Desk} desk */
export function bar(desk) {
  const { copies, identified, by_machine: machine } = desk.standing.value;
  const where = (/** @type {import("./identification-desk.js").Place} */ name, /** @type {number | null} */ count, /** @type {string} */ picture) => html`<button type="button"
    aria-pressed=${String(desk.place.value === name)} @click=${() => desk.go(name)}>${icon(picture)}${t(`identify.place.${name}`)}${count === null ? nothing : html` <b>${count}</b>`}</button>`;
  return html`<div class="desk-bar"><div class="places" role="group" aria-label=${t("nav.identification")}>
      ${where("queue", desk.queue.value?.length ?? 0, "inbox")}${where("all", copies, "list")}${desk.printed.value === null ? nothing : where("printed", desk.printed.value, "reading")}${where("model", null, "scan")}</div>
    <div class="standing" role="status"><progress max=${copies || 1} value=${identified} aria-label=${n("identify.progress", identified, { copies })}></progress>
      <span><b>${identified}</b> ${n("identify.of", identified, { copies })}${identified ? ` · ${n("identify.by_machine", machine)} · ${n("identify.by_person", identified - machine)}` : ""}</span></div></div>`;
}

/** One copy and who it may be. @param {Desk} desk @param {Copy} copy @param {Copy[]} queue */
export function oneCopy(desk, copy, queue) {
  return html`<div class="desk"><section class="panel" aria-labelledby="desk-copy">
      <header class="desk-head"><h2 id="desk-copy">${t("copy.title", { id: copy.anonymous_id })}</h2><span class="quiet small">${t("identify.position", { at: desk.at.value + 1, of: queue.length })}</span>
        <span class="grow"></span><a class="button small" href="/copies/${copy.copy_id}">${icon("eye")}${t("identify.see_copy")}</a></header>
      ${copy.header ? html`<img class="crop" src=${copy.header.href} width=${copy.header.width_px} height=${copy.header.height_px} alt=${t("identify.header")}>`
        : html`<p class="note warn">${icon("alert")}<span>${t("identify.no_header")}</span></p>`}
      <div class="read">${icon("reading")}<div>${reading(desk, copy)}</div></div>
      ${doubt(desk, copy)}
      ${strip(desk, queue)}
    </section>
    <section class="panel" aria-label=${t("identify.candidates")}>
      <div class="find">${icon("search")}<input class="who" type="search" autocomplete="off" spellcheck="false" placeholder=${t("identify.search")} role="combobox" aria-expanded="true" aria-autocomplete="list"
        aria-controls="people" aria-label=${t("identify.search")} aria-activedescendant=${desk.offered.value.length ? `person-${desk.chosen.value}` : nothing}
        .value=${desk.typed.value} @input=${(/** @type {any} */ event) => { desk.chosen.value = 0; desk.typed.value = event.target.value; }} @keydown=${(/** @type {KeyboardEvent} */ event) => desk.key(event)}></div>
      ${people(desk)}
      <div aria-live="assertive">${desk.told.value}</div>
      ${desk.adding.value ? addPerson(desk.getAttribute("exam") ?? "", (person) => desk.added(person), () => { desk.adding.value = false; }) : acts(desk, queue)}
    </section></div>`;
}

/** @param {Desk} desk */
function people(desk) {
  const offered = desk.offered.value;
  if (!offered.length) {
    const empty = desk.candidates.value.length === 0;
    return html`<p class="quiet nobody" role="status">${t(empty ? "identify.no_roster" : "identify.nobody")}${empty ? html` <a href="${`/exams/${desk.getAttribute("exam")}/roster`}">${t("nav.roster")}</a>` : nothing}</p>
      <ul class="people" id="people" role="listbox" aria-label=${t("identify.candidates")} hidden></ul>`;
  }
  return html`<ul class="people" id="people" role="listbox" aria-label=${t("identify.candidates")}>${repeat(offered, (each) => each.id, (each, at) => html`<li
    role="option" id="person-${at}" aria-selected=${String(at === desk.chosen.value)} @click=${() => { desk.chosen.value = at; desk.ready(); }} @dblclick=${() => desk.take()}>
    <kbd aria-hidden="true">Alt ${at + 1}</kbd><span class="name">${each.last_name} ${each.first_name} <small>${each.class}</small>${has(desk, each)}${each.by_place ? html`<small class="tag">${t("identify.by_place")}</small>` : nothing}</span>
    ${each.confidence === undefined ? nothing : sure(each.confidence)}</li>`)}</ul>`;
}

/** @param {Desk} desk @param {Person} person */
function has(desk, person) {
  const copy = desk.current.value;
  if (copy?.candidate_id === person.id) return html`<small class="tag">${t("identify.now")}</small>`;
  return person.copy_id ? html`<small class="taken">${t("identify.taken")}</small>` : nothing;
}

/** @param {Desk} desk @param {Copy[]} queue */
function acts(desk, queue) {
  return html`<div class="desk-foot"><button class="button solid wide" type="button" ?disabled=${!desk.offered.value.length} aria-busy=${String(desk.busy.value)} @click=${() => desk.take()}>${t("identify.confirm")}<kbd>↵</kbd></button>
    <div class="acts"><button class="button small" type="button" ?disabled=${!desk.done.value.length} @click=${() => desk.undo()}>${icon("undo")}${t("identify.undo")}</button>
      <button class="button small" type="button" ?disabled=${queue.length < 2} @click=${() => desk.step(1)}>${t("identify.skip")}${icon("next")}</button></div>
    <button class="button small absent" type="button" @click=${() => { desk.adding.value = true; }}>${icon("user-plus")}${t("identify.absent")}</button></div>`;
}

/** What was read, or why nothing was. @param {Desk} desk @param {Copy} copy */
function reading(desk, copy) {
  if (copy.reading_outcome === null) return html`<span class="quiet">${t("identify.being_read")}</span>`;
  const again = html`<button class="button small" type="button" @click=${() => desk.readAgain(copy)}>${icon("refresh-cw")}${t("identify.read_again")}</button>`;
  if (!copy.reading?.length) return html`${known(`identify.outcome.${copy.reading_outcome}`, t("identify.nothing_read"))} ${copy.header ? again : nothing}`;
  return html`<span class="quiet">${t("identify.read")}</span> <b>${copy.reading.slice(0, LINES).join(" · ")}</b>`;
}

/** In words why a person should look. @param {Desk} desk @param {Copy} copy */
function doubt(desk, copy) {
  const best = copy.suggestions[0]?.confidence ?? 0;
  const found = copy.doubt ?? (copy.reading?.length && desk.candidates.value.length && best < UNSURE ? "nobody" : "");
  return found ? html`<p class="note warn">${icon("alert")}<span>${t(`identify.doubt.${found}`)}</span></p>` : nothing;
}

/** The headers that come next. @param {Desk} desk @param {Copy[]} queue */
function strip(desk, queue) {
  const from = Math.max(0, Math.min(desk.at.value - 1, queue.length - STRIP));
  return html`<div class="queue" role="group" aria-label=${t("identify.upcoming")}>${repeat(queue.slice(from, from + STRIP), (each) => each.copy_id, (each, at) => html`<button type="button"
    aria-current=${from + at === desk.at.value ? "true" : nothing} @click=${() => desk.step(from + at - desk.at.value)}>
    ${each.header ? html`<img src=${each.header.href} alt="">` : html`<span class="no-header">${icon("scan")}</span>`}<span>${each.anonymous_id}${each.doubt ? html` <i class="doubtful" title=${t(`identify.doubt.${each.doubt}`)}></i>` : nothing}</span></button>`)}</div>`;
}

/** Nothing waits: by whom it was done, or that there is no copy yet. @param {Desk} desk */
export function finished(desk) {
  const { copies, identified, by_machine: machine } = desk.standing.value;
  if (!copies) return html`<div class="empty">${icon("identification")}<h2>${t("identify.empty.title")}</h2><p>${t("identify.empty.text")}</p><a class="button solid" href=${`/exams/${desk.getAttribute("exam")}/scans`}>${t("nav.scans")}</a></div>`;
  return html`<div class="empty done">${icon("check-check")}<h2>${t("identify.done.title")}</h2><p>${t("identify.done.text")}</p>
    <dl class="figures"><div><dt>${t("figure.identified")}</dt><dd>${identified}</dd></div><div><dt>${t("identify.figure.machine")}</dt><dd>${machine}</dd></div><div><dt>${t("identify.figure.person")}</dt><dd>${identified - machine}</dd></div></dl>
    <div class="acts">${desk.done.value.length ? html`<button class="button" type="button" @click=${() => desk.undo()}>${icon("undo")}${t("identify.undo")}</button>` : nothing}
      <button class="button" type="button" @click=${() => desk.go("all")}>${icon("list")}${t("identify.place.all")}</button><a class="button solid" href=${`/exams/${desk.getAttribute("exam")}/allocation`}>${t("nav.allocation")}${icon("next")}</a></div></div>`;
}

/** @param {number} confidence */
function sure(confidence) {
  const kind = confidence >= 0.85 ? "high" : confidence >= 0.5 ? "mid" : "low";
  const percent = Math.round(confidence * 100);
  return html`<span class="sure"><svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="ground" width="100" height="8"></rect><rect class=${kind} width=${percent} height="8"></rect></svg><span>${t("identify.sure", { percent })}</span></span>`;
}
