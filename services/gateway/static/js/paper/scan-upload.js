// @ts-check
/** <scan-upload exam intake pages>: send scans, see each being read and what came out of it, cancel, try again. */
import { all, call } from "../core/api.js";
import { Island, computed, html, icon, live, nothing, preference, repeat, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { known, localMoment, n, t } from "../core/words.js";
import { ENDED, Follower } from "../jobs/follow.js";
import { Line } from "./sending.js";

/** @typedef {import("./sending.js").Sending} Sending */
const GROUPINGS = ["every_n", "by_header", "one_per_file"];

class ScanUpload extends Island {
  exam = /** @type {string} */ (this.getAttribute("exam"));
  grouping = preference(`scans.grouping.${this.exam}`, "every_n");
  uploads = signal(/** @type {any[]|null} */ (null));
  archives = signal(/** @type {any[]} */ ([]));
  jobs = signal(/** @type {Map<string, any>} */ (new Map()));
  over = signal(false);
  told = signal(/** @type {Element|null} */ (null));
  line = new Line(this.exam, (job) => this.#arrived(job));
  follower = new Follower((job) => this.#heard(job));
  reading = computed(() => [...this.archives.value, ...(this.uploads.value ?? [])].filter((each) => each.status === "splitting"));
  guard = (/** @type {BeforeUnloadEvent} */ event) => { if (this.line.unsent) event.preventDefault(); };

  setup() {
    window.addEventListener("beforeunload", this.guard);
    this.load();
  }

  teardown() {
    window.removeEventListener("beforeunload", this.guard);
    this.line.close();
    this.follower.stop();
  }

  async load() {
    try {
      const [uploads, archives] = await Promise.all([all(`/exams/${this.exam}/uploads`), all(`/exams/${this.exam}/archives`)]);
      this.uploads.value = uploads;
      this.archives.value = archives;
      this.told.value = null;
      this.follower.add(this.reading.value.map((each) => each.job_id).filter(Boolean));
    } catch (error) {
      this.told.value = note(error);
    }
  }

  /** @param {any} job  @returns {Promise<boolean>} whether this file was there before */
  async #arrived(job) {
    const there = [...(this.uploads.value ?? []), ...this.archives.value].some((each) => each.job_id === job.id);
    if (!there) await this.load();
    return there;
  }

  /** @param {any} job */
  #heard(job) {
    this.jobs.value = new Map(this.jobs.value).set(job.id, job);
    if (ENDED.has(job.status)) this.load();
  }

  /** @param {() => Promise<any>} act  @param {Event} event */
  async #act(event, act) {
    const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
    button.setAttribute("aria-busy", "true");
    try {
      await act();
      await this.load();
    } catch (error) {
      this.told.value = note(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  view() {
    const inZip = new Set(this.archives.value.flatMap((each) => each.parts.map((/** @type {any} */ part) => part.id)));
    const shown = [...this.archives.value, ...(this.uploads.value ?? []).filter((each) => !inZip.has(each.id))]
      .filter((each) => !each.repeated)
      .sort((one, other) => other.created_at.localeCompare(one.created_at));
    return html`
      <section class="panel drop-panel">${this.#drop()}${this.getAttribute("intake") === "a4" ? this.#groupings() : nothing}</section>
      <div aria-live="polite">${this.told.value}</div>
      ${this.#result()}
      ${this.line.sendings.value.length || shown.length ? html`<section class="panel flush"><h2 class="unseen">${t("scans.files")}</h2>
        <ul class="files">
          ${repeat(this.line.sendings.value, (each) => each.key, (each) => this.#sending(each))}
          ${repeat(shown, (each) => each.id, (each) => this.#upload(each))}
        </ul></section>` : this.uploads.value ? this.#empty() : nothing}`;
  }

  #drop() {
    const chosen = (/** @type {FileList|undefined|null} */ files) => { if (files?.length) this.line.add([...files], this.grouping.value); };
    const over = (/** @type {boolean} */ on) => (/** @type {DragEvent} */ event) => { event.preventDefault(); this.over.value = on; };
    return html`<label class="drop ${this.over.value ? "over" : ""}" @dragover=${over(true)} @dragleave=${over(false)}
      @drop=${(/** @type {DragEvent} */ event) => { over(false)(event); chosen(event.dataTransfer?.files); }}>
      ${icon("upload")}<b>${t("scans.choose")}</b><span class="small">${t("scans.choose.hint")}</span>
      <input class="unseen" type="file" multiple accept=".pdf,.zip,application/pdf,application/zip"
        @change=${(/** @type {any} */ event) => { chosen(event.target.files); event.target.value = ""; }}></label>`;
  }

  #groupings() {
    const pages = this.getAttribute("pages");
    return html`<fieldset class="groupings"><legend>${t("scans.grouping")}</legend>
      ${GROUPINGS.map((each) => html`<label class="choice"><input type="radio" name="grouping" value=${each}
        .checked=${live(this.grouping.value === each)} @change=${() => { this.grouping.value = each; }}>
        <span><b>${t(`scans.grouping.${each}`, { pages })}</b><small>${t(`scans.grouping.${each}.hint`)}</small></span></label>`)}
    </fieldset>`;
  }

  /** Before the exam took place: there is paper to be printed. */
  #empty() {
    const open = () => /** @type {any} */ (document.querySelector("answer-sheets")).open();
    return html`<div class="empty">${icon("printer")}<h2>${t("scans.empty.title")}</h2><p>${t("scans.empty.text")}</p>
      <button class="button" type="button" @click=${open}>${t("sheets.open")}</button></div>`;
  }

  /** What is next, once something was read and nothing is on its way. */
  #result() {
    const done = (this.uploads.value ?? []).filter((each) => each.status === "ready");
    if (!done.length || this.reading.value.length || this.line.sendings.value.some((each) => each.stage !== "same")) return nothing;
    const pages = done.reduce((sum, each) => sum + each.pages, 0);
    const booklets = done.reduce((sum, each) => sum + each.booklets, 0);
    const doubtful = new Set(done.flatMap((each) => each.anomalies.map((/** @type {any} */ found) => found.booklet_id)).filter(Boolean)).size;
    return html`<div class="note ok outcome" role="status">${icon("check")}<div>
      <b>${n("scans.pages", pages)} · ${n("scans.booklets", booklets)}</b>
      <p>${doubtful ? n("scans.next.doubtful", doubtful) : t("scans.next.certain")}</p></div>
      <a class="button solid" href="?view=desk">${t("scans.next")}</a></div>`;
  }

  /** @param {Sending} sending */
  #sending(sending) {
    const { key, file, stage, share, error } = sending;
    const going = ["waiting", "sending", "checking"].includes(stage);
    const percent = Math.floor(share * 100);
    return html`<li class="file ${going ? "" : stage}">${icon(going ? "file-text" : stage === "same" ? "info" : "triangle-alert")}
      <div><b>${file.name}</b><p class="small" role="status">${t(`scans.stage.${stage}`, { percent })}</p></div>
      <div class="acts">
        ${stage === "lost" ? html`<button class="button small" type="button" @click=${() => this.line.again(key)}>${t("scans.again")}</button>` : nothing}
        ${stage === "checking" ? nothing : html`<button class="button small" type="button" @click=${() => this.line.remove(key)}>
          ${going ? t("act.cancel") : t("scans.dismiss")}<span class="unseen"> ${file.name}</span></button>`}</div>
      ${going ? html`<progress max="1" value=${share} aria-label=${t("scans.progress", { file: file.name })}></progress>` : nothing}
      ${stage === "refused" ? note(error) : nothing}</li>`;
  }

  /** @param {any} upload */
  #upload(upload) {
    const job = this.jobs.value.get(upload.job_id);
    const reading = upload.status === "splitting";
    const done = job && reading ? job.done : upload.sides_done;
    const total = job && reading ? job.total : upload.sides;
    const shared = [...new Set(upload.anomalies.filter((/** @type {any} */ each) => !each.booklet_id).map((/** @type {any} */ each) => each.code))];
    const zipped = upload.parts.length > 0;
    return html`<li class="file ${upload.status}">${icon(zipped ? "file-archive" : upload.status === "failed" ? "triangle-alert" : "file-text")}
      <div><b>${upload.filename}</b>
        <p class="small" role="status">${reading ? t("scans.reading", { done, total }) : this.#outcome(upload)}</p></div>
      <div class="acts">
        ${reading && upload.job_id ? html`<button class="button small" type="button" @click=${(/** @type {Event} */ event) => this.#act(event, () => call("DELETE", `/jobs/${upload.job_id}`))}>
          ${t("act.cancel")}<span class="unseen"> ${upload.filename}</span></button>` : nothing}
        ${upload.status === "cancelled" && upload.job_id ? this.#again(upload.job_id, upload.id, upload.filename, "scans.read_again") : nothing}
        ${upload.status === "failed" && !zipped && upload.repeatable ? this.#again(upload.job_id, upload.id, upload.filename, "scans.again") : nothing}</div>
      ${reading ? html`<progress max=${total || 1} value=${done} aria-label=${t("scans.progress", { file: upload.filename })}></progress>` : nothing}
      ${upload.status === "failed" && !zipped ? html`<p class="note bad" role="alert">${icon("triangle-alert")}<span>${upload.error?.detail}</span></p>` : nothing}
      ${shared.length ? html`<div class="note warn">${icon("triangle-alert")}<span>${shared.map((code) => known(`doubt.${code}`, code)).join(", ")}. ${t("scans.compare")}</span>
        <button class="button small" type="button" @click=${(/** @type {Event} */ event) => this.#act(event, () => call("POST", `/uploads/${upload.id}/confirm`))}>${t("scans.complete")}</button></div>` : nothing}
      ${zipped ? this.#parts(upload) : nothing}</li>`;
  }

  /** @param {any} upload */
  #outcome(upload) {
    const when = localMoment(upload.created_at);
    if (upload.status === "failed" && !upload.parts.length) return `${t("scans.failed")} · ${when}`;
    if (upload.status === "cancelled") return `${t("scans.cancelled")} · ${when}`;
    const doubtful = new Set(upload.anomalies.map((/** @type {any} */ each) => each.booklet_id).filter(Boolean)).size;
    return [n("scans.sides", upload.sides), n("scans.pages", upload.pages), n("scans.booklets", upload.booklets), doubtful && n("booklets.doubtful", doubtful), when].filter(Boolean).join(" · ");
  }

  /** @param {any} archive */
  #parts(archive) {
    const failed = archive.parts.filter((/** @type {any} */ each) => each.status === "failed");
    return html`<details ?open=${failed.length > 0}><summary>${n("scans.parts", archive.parts.length)}${failed.length ? ` · ${n("scans.parts.failed", failed.length)}` : ""}</summary>
      <ul class="parts">${[...failed, ...archive.parts.filter((/** @type {any} */ each) => each.status !== "failed")].map((each) => html`<li class=${each.status}>
        ${icon(each.status === "failed" ? "triangle-alert" : each.status === "ready" ? "check" : "file-text")}
        <span><b>${each.name}</b> ${each.error ? html`<span class="bad-text">${each.error.detail}</span>` : html`<span class="quiet">${t(`scans.part.${each.status}`)}</span>`}</span>
        ${each.repeatable ? this.#again(archive.job_id, each.id, each.name, "scans.again") : nothing}</li>`)}</ul></details>`;
  }

  /** @param {string} job  @param {string} item  @param {string} name  @param {string} word */
  #again(job, item, name, word) {
    const act = async () => {
      const fresh = await call("POST", `/jobs/${job}/items/${item}/repeat`);
      say(t("scans.on_its_way", { file: name }));
      this.follower.add([fresh.id]);
    };
    return html`<button class="button small" type="button" @click=${(/** @type {Event} */ event) => this.#act(event, act)}>${t(word)}<span class="unseen"> ${name}</span></button>`;
  }
}

customElements.define("scan-upload", ScanUpload);
