// @ts-check
/** <exam-export exam>: all final documents in one zip; how far it is, then the file, and what could not be packed. */
import { call } from "../core/api.js";
import { Island, html, icon, nothing, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { n, t } from "../core/words.js";
import { ENDED, Follower } from "../jobs/follow.js";

/** @typedef {import("../jobs/follow.js").Job} Job */

class ExamExport extends Island {
  job = signal(/** @type {Job | null} */ (null));
  problem = signal(/** @type {unknown} */ (null));
  follower = new Follower((job) => { this.job.value = job; });

  teardown() {
    this.follower.stop();
  }

  async #start() {
    this.problem.value = null;
    try {
      const job = await call("POST", `/exams/${this.getAttribute("exam")}/exports`);
      this.job.value = job;
      this.follower.add([job.id]);
    } catch (error) {
      this.problem.value = error;
    }
  }

  view() {
    const job = this.job.value;
    const going = job !== null && !ENDED.has(job.status);
    return html`<div class="export"><div><h2>${t("exports.title")}</h2><p class="quiet">${t("exports.lead")}</p></div>
      <div class="acts">${job?.result ? html`<a class="button solid" href=${job.result.href} download>${icon("download")}${t("exports.fetch")}</a>` : nothing}
        <button class="button" type="button" ?disabled=${going} @click=${() => this.#start()}>${icon("archive")}${t(job?.result ? "exports.again" : "exports.start")}</button></div></div>
      <div aria-live="polite">${this.problem.value ? note(this.problem.value) : nothing}${job ? this.#told(job, going) : nothing}</div>`;
  }

  /** @param {Job} job @param {boolean} going */
  #told(job, going) {
    if (going) return html`<p class="small quiet">${t("exports.going", { done: job.done, total: job.total })}</p><progress max=${job.total || 1} value=${job.done} aria-label=${t("exports.title")}></progress>`;
    if (job.status === "failed") return html`<p class="note bad">${icon("circle-alert")}<span>${job.error?.detail}</span></p>`;
    const lost = job.items.filter((item) => item.status === "failed");
    if (!lost.length) return html`<p class="note ok">${icon("circle-check")}<span>${n("exports.done", job.items.length)}</span></p>`;
    return html`<div class="note warn">${icon("triangle-alert")}<div>${n("exports.lost", lost.length, { total: job.items.length })}
      <ul>${lost.map((item) => html`<li><a class="code" href="/copies/${item.id}">${item.name}</a> – ${item.error?.detail}</li>`)}</ul></div></div>`;
  }
}

customElements.define("exam-export", ExamExport);
