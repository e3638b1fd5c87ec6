// @ts-check
/** <jobs-list everyone>: slow work, as it goes on, with what became of each of its parts. */
import { call } from "../core/api.js";
import { Island, html, icon, nothing, preference, repeat, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { known, localMoment, n, t } from "../core/words.js";
import { ENDED, Follower } from "./follow.js";

/** @typedef {import("./follow.js").Job} Job */
const SHOWN = 30;
const PICTURES = /** @type {Record<string, string>} */ ({
  queued: "clock", running: "loader-circle", succeeded: "circle-check", failed: "circle-alert", cancelled: "ban",
});
const LOOKS = /** @type {Record<string, string>} */ ({ succeeded: "graded", failed: "bad", running: "locked" });

class JobsList extends Island {
  whose = preference("jobs.whose", "mine");
  jobs = signal(/** @type {Job[]|null} */ (null));
  next = signal(/** @type {string|null} */ (null));
  told = signal(/** @type {Element|null} */ (null));
  follower = new Follower((job) => this.#put(job));

  setup() {
    this.load();
  }

  teardown() {
    this.follower.stop();
  }

  async load(cursor = "") {
    const everyone = this.hasAttribute("everyone") && this.whose.value === "everyone";
    try {
      const after = cursor && `&cursor=${encodeURIComponent(cursor)}`;
      const found = await call("GET", `/jobs?limit=${SHOWN}&everyone=${everyone}${after}`);
      this.jobs.value = cursor ? [...(this.jobs.value ?? []), ...found.items] : found.items;
      this.next.value = found.next;
      this.told.value = null;
      const going = found.items.filter((/** @type {Job} */ each) => !ENDED.has(each.status));
      this.follower.add(going.map((/** @type {Job} */ each) => each.id));
    } catch (error) {
      this.told.value = note(error);
    }
  }

  /** @param {Job} job */
  #put(job) {
    const jobs = this.jobs.value ?? [];
    const here = jobs.some((each) => each.id === job.id);
    this.jobs.value = here ? jobs.map((each) => (each.id === job.id ? { ...each, ...told(job) } : each)) : [job, ...jobs];
  }

  /** @param {Event} event  @param {() => Promise<Job>} act */
  async #act(event, act) {
    const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
    button.setAttribute("aria-busy", "true");
    try {
      const job = await act();
      this.#put(job);
      if (!ENDED.has(job.status)) this.follower.add([job.id]);
      this.told.value = null;
    } catch (error) {
      this.told.value = note(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  view() {
    const jobs = this.jobs.value;
    return html`${this.hasAttribute("everyone") ? html`<div class="filters" role="group" aria-label=${t("jobs.whose")}>
        ${["mine", "everyone"].map((each) => this.#chip(each))}</div>` : nothing}
      <div aria-live="polite">${this.told.value}</div>
      ${jobs || this.told.value ? nothing : html`<p class="quiet loading" role="status">${t("jobs.loading")}</p>`}
      ${jobs?.length === 0 ? html`<div class="empty">${icon("list-checks")}<h2>${t("jobs.empty.title")}</h2>
        <p>${t("jobs.empty.text")}</p><a class="button" href="/exams">${t("nav.exams")}</a></div>` : nothing}
      ${jobs?.length ? html`<ul class="jobs">${repeat(jobs, (job) => job.id, (job) => this.#job(job))}</ul>` : nothing}
      ${this.next.value ? html`<p class="more"><button class="button" type="button"
        @click=${() => this.load(this.next.value ?? "")}>${t("list.more")}</button></p>` : nothing}`;
  }

  /** @param {string} whose */
  #chip(whose) {
    const choose = () => {
      this.whose.value = whose;
      this.load();
    };
    return html`<button type="button" class="chip" aria-pressed=${this.whose.value === whose ? "true" : "false"}
      @click=${choose}>${t(`jobs.${whose}`)}</button>`;
  }

  /** @param {Job} job */
  #job(job) {
    const going = !ENDED.has(job.status);
    const single = job.items.length === 1;
    const type = known(`jobs.type.${job.type}`, job.type);
    const name = job.name ?? type;
    const cancel = (/** @type {Event} */ event) => this.#act(event, () => call("DELETE", `/jobs/${job.id}`));
    return html`<li class="panel job ${job.status}"><header>${icon(PICTURES[job.status])}
      <div><h2>${name}</h2>
        <p class="quiet small">${type}${job.started_at ? ` · ${localMoment(job.started_at)}` : ""}</p></div>
      <span class="state ${LOOKS[job.status] ?? ""}" role="status">
        ${going && job.total ? t("jobs.progress", { done: job.done, total: job.total }) : t(`jobs.status.${job.status}`)}</span>
      <div class="acts">
        ${going && job.type === "upload" ? html`<button class="button small" type="button" @click=${cancel}>
          ${t("act.cancel")}<span class="unseen"> ${name}</span></button>` : nothing}
        ${single && job.items[0].repeatable ? this.#again(job, job.items[0], name) : nothing}
        ${this.#result(job)}</div></header>
      ${going ? html`<progress max=${job.total || 1} value=${job.done}
        aria-label=${t("jobs.progress.of", { name })}></progress>` : nothing}
      ${job.error && single ? html`<p class="note bad">${icon("triangle-alert")}<span>${job.error.detail}</span></p>` : nothing}
      ${single ? nothing : this.#items(job, name)}</li>`;
  }

  /** What became of each part, the failed ones first. @param {Job} job  @param {string} name */
  #items(job, name) {
    const failed = job.items.filter((each) => each.status === "failed");
    const others = job.items.filter((each) => each.status !== "failed");
    const told = failed.length ? ` · ${n("jobs.failed", failed.length)}` : "";
    return html`<details ?open=${failed.length > 0}><summary>${n("jobs.items", job.items.length)}${told}</summary>
      <ul class="items">${[...failed, ...others].map((item) => html`<li class=${item.status}>
        ${icon(PICTURES[item.status])}<span><b>${item.name ?? ""}</b>
          ${item.error ? html`<span class="bad-text">${item.error.detail}</span>`
            : html`<span class="quiet">${t(`jobs.status.${item.status}`)}</span>`}</span>
        ${item.repeatable ? this.#again(job, item, item.name ?? name) : nothing}</li>`)}</ul></details>`;
  }

  /** @param {Job} job  @param {Job["items"][number]} item  @param {string} name */
  #again(job, item, name) {
    const act = async () => {
      const fresh = await call("POST", `/jobs/${job.id}/items/${item.id}/repeat`);
      say(t("scans.on_its_way", { file: name }));
      return fresh;
    };
    return html`<button class="button small" type="button"
      @click=${(/** @type {Event} */ event) => this.#act(event, act)}>
      ${t("scans.again")}<span class="unseen"> ${name}</span></button>`;
  }

  /** Where one goes from what it made. @param {Job} job */
  #result(job) {
    const name = html`<span class="unseen"> ${job.name}</span>`;
    if (job.type === "finalise") {
      return html`<a class="button small" href="/copies/${job.items[0].id}">${t("staging.copy")}${name}</a>`;
    }
    if (job.type === "upload" && job.exam_id) {
      return html`<a class="button small" href="/exams/${job.exam_id}/scans">${t("jobs.to_scans")}${name}</a>`;
    }
    if (!job.result) return nothing;
    return html`<a class="button small" href=${job.result.href}>${icon("download")}${t("jobs.fetch")}${name}</a>`;
  }
}

/** What an answer knows; the one that starts a job does not know all. @param {Job} job */
function told(job) {
  return Object.fromEntries(Object.entries(job).filter(([name, value]) => value !== null || !LATER.includes(name)));
}

const LATER = ["name", "exam_id", "started_at"];

customElements.define("jobs-list", JobsList);
