// @ts-check
/** <scan-report exam>: is the paper good enough to be marked? What is wrong with it, worst first, and what to do. */
import { all, call } from "../core/api.js";
import { Island, html, icon, nothing, preference, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { n, t } from "../core/words.js";

const SEVERITIES = ["error", "warning", "info"];
const PICTURES = /** @type {Record<string, string>} */ ({ error: "circle-alert", warning: "triangle-alert", info: "info" });
const SHOWN = 100;
const TYPING_MS = 400;

class ScanReport extends Island {
  exam = /** @type {string} */ (this.getAttribute("exam"));
  counted = preference(`report.counted.${this.exam}`, { expected_copies: "", sheets_per_copy: "" });
  report = signal(/** @type {any} */ (null));
  severity = signal("");
  shown = signal(SHOWN);
  told = signal(/** @type {Element|null} */ (null));
  page = signal(/** @type {any} */ (null));
  timer = 0;

  setup() {
    this.load();
  }

  teardown() {
    clearTimeout(this.timer);
  }

  async load() {
    const counted = Object.entries(this.counted.value).filter(([, value]) => value);
    const wanted = new URLSearchParams(counted).toString();
    try {
      const path = `/exams/${this.exam}/scan-report?${wanted}`;
      const report = await call("GET", `${path}&limit=1`);
      this.report.value = { ...report, items: report.total ? await all(path) : [] };
      this.told.value = null;
    } catch (error) {
      this.told.value = note(error);
    }
  }

  /** @param {"expected_copies"|"sheets_per_copy"} name  @param {Event} event */
  #count(name, event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (!input.checkValidity()) return;
    this.counted.value = { ...this.counted.value, [name]: input.value };
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.load(), TYPING_MS);
  }

  view() {
    const report = this.report.value;
    return html`<section class="panel counted"><h2>${t("report.counted")}</h2>
      <p class="quiet">${t("report.counted.lead")}</p>
      <div class="counts">${this.#field("expected_copies", 100000)}${this.#field("sheets_per_copy", 100)}</div></section>
      ${this.told.value}
      ${report ? this.#body(report) : html`<p class="quiet loading" role="status">${t("report.loading")}</p>`}`;
  }

  /** @param {"expected_copies"|"sheets_per_copy"} name  @param {number} most */
  #field(name, most) {
    return html`<label class="field short"><span>${t(`report.${name}`)}</span>
      <input class="input" type="number" inputmode="numeric" min="1" max=${most} .value=${this.counted.value[name]}
        @input=${(/** @type {Event} */ event) => this.#count(name, event)}></label>`;
  }

  /** @param {any} report */
  #body(report) {
    if (!report.uploads) return empty("scan-search", "report.empty", "?", "scans.upload");
    const counts = /** @type {Record<string, number>} */ ({
      error: report.errors, warning: report.warnings, info: report.infos,
    });
    const wanted = SEVERITIES.filter((each) => !this.severity.value || each === this.severity.value);
    const found = wanted.flatMap((each) => report.items.filter((/** @type {any} */ item) => item.severity === each));
    const several = new Set(report.items.map((/** @type {any} */ each) => each.upload_id)).size > 1;
    const more = () => { this.shown.value += SHOWN; };
    const { holds, text } = report.pages;
    return html`<p class="note ${holds ? "ok" : "bad"}" role="status">${icon(holds ? "check" : "circle-alert")}
        <span>${text}</span></p>
      <div class="filters" role="group" aria-label=${t("report.filter")}>
        ${this.#chip("", report.total, t("report.all"))}
        ${SEVERITIES.filter((each) => counts[each]).map((each) =>
          this.#chip(each, counts[each], n(`report.${each}`, counts[each])))}</div>
      ${report.total ? html`<section class="panel flush"><h2 class="unseen">${t("report.findings")}</h2>
        <ul class="findings">${found.slice(0, this.shown.value).map((each) => this.#finding(each, several))}</ul>
        </section>` : empty("circle-check", "report.good", "?view=desk", "scans.next")}
      ${found.length > this.shown.value ? html`<p class="more">
        <button class="button" type="button" @click=${more}>${t("list.more")}</button></p>` : nothing}
      ${this.#closely()}`;
  }

  /** The page that a finding is about. */
  #closely() {
    const found = this.page.value;
    const shut = html`<form method="dialog"><button class="plain" title=${t("staging.close")}
      aria-label=${t("staging.close")}>${icon("x")}</button></form>`;
    return html`<dialog class="zoom" aria-labelledby="seen-title" @close=${() => { this.page.value = null; }}>
      ${found ? html`<header><h2 id="seen-title">${found.text}</h2>${shut}</header>
        <div class="stage" tabindex="0"><img src=${found.image.href} width=${found.image.width_px}
          height=${found.image.height_px} alt=${found.text}></div>` : nothing}</dialog>`;
  }

  /** @param {string} severity  @param {number} count  @param {string} text */
  #chip(severity, count, text) {
    return html`<button type="button" class="chip ${severity}"
      aria-pressed=${this.severity.value === severity ? "true" : "false"}
      @click=${() => { this.severity.value = severity; }}>${text} <b>${count}</b></button>`;
  }

  /** @param {any} found  @param {boolean} several files there are */
  #finding(found, several) {
    const about = html`<span class="unseen"> – ${found.text}</span>`;
    return html`<li class=${found.severity}>${icon(PICTURES[found.severity])}<div><p>${found.text}</p>
      ${several && found.filename ? html`<p class="quiet small">${found.filename}</p>` : nothing}</div>
      <div class="acts">
        ${found.image ? html`<button class="button small" type="button" @click=${() => this.#see(found)}>
          ${t("report.see")}${about}</button>` : nothing}
        ${found.copy_id ? html`<a class="button small" href="/copies/${found.copy_id}">${t("staging.copy")}${about}</a>`
          : found.booklet_id ? html`<a class="button small" href="?view=desk#booklet-${found.booklet_id}">
            ${t("report.settle")}${about}</a>` : nothing}</div></li>`;
  }

  /** @param {any} found */
  #see(found) {
    this.page.value = found;
    /** @type {HTMLDialogElement} */ (this.querySelector("dialog.zoom")).showModal();
  }
}

/** @param {string} picture  @param {string} words  @param {string} href  @param {string} act */
function empty(picture, words, href, act) {
  return html`<div class="empty">${icon(picture)}<h2>${t(`${words}.title`)}</h2><p>${t(`${words}.text`)}</p>
    <a class="button solid" href=${href}>${t(act)}</a></div>`;
}

customElements.define("scan-report", ScanReport);
