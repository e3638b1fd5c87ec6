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
  all = computed(() => [...this.archives.value, ...(this.uploads.value ?? [])]);
  reading = computed(() => this.all.value.filter((each) => each.status === "splitting"));
  guard = (/** @type {BeforeUnloadEvent} */ event) => {
    if (this.line.unsent) event.preventDefault();
  };

  again = () => this.told.value && this.load();

  setup() {
    window.addEventListener("beforeunload", this.guard);
    window.addEventListener("online", this.again);
    this.load();
  }

  teardown() {
    window.removeEventListener("beforeunload", this.guard);
    window.removeEventListener("online", this.again);
    this.line.close();
    this.follower.stop();
  }

  async load() {
    try {
      const exam = `/exams/${this.exam}`;
      const [uploads, archives] = await Promise.all([all(`${exam}/uploads`), all(`${exam}/archives`)]);
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
    const there = this.all.value.some((each) => each.job_id === job.id);
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
    const shown = this.all.value.filter((each) => !inZip.has(each.id) && !each.repeated);
    shown.sort((one, other) => other.created_at.localeCompare(one.created_at));
    const sendings = this.line.sendings.value;
    return html`
      <section class="panel drop-panel">${this.#drop()}
        ${this.getAttribute("intake") === "a4" ? this.#groupings() : nothing}</section>
      <div aria-live="polite">${this.told.value}</div>
      ${this.#result()}
      ${sendings.length || shown.length ? html`<section class="panel flush">
        <h2 class="unseen">${t("scans.files")}</h2>
        <ul class="files">
          ${repeat(sendings, (each) => each.key, (each) => this.#sending(each))}
          ${repeat(shown, (each) => each.id, (each) => this.#upload(each))}
        </ul></section>` : this.uploads.value ? this.#empty() : nothing}`;
  }

  #drop() {
    const chosen = (/** @type {FileList|undefined|null} */ files) => {
      if (files?.length) this.line.add([...files], this.grouping.value);
    };
    const picked = (/** @type {any} */ event) => {
      chosen(event.target.files);
      event.target.value = "";
    };
    const over = (/** @type {boolean} */ on) => (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      this.over.value = on;
      if (event.type === "drop") chosen(event.dataTransfer?.files);
    };
    return html`<label class="drop ${this.over.value ? "over" : ""}" @dragover=${over(true)} @dragleave=${over(false)}
      @drop=${over(false)}>${icon("upload")}<b>${t("scans.choose")}</b>
      <span class="small">${t("scans.choose.hint")}</span>
      <input class="unseen" type="file" multiple accept=".pdf,.zip,application/pdf,application/zip"
        @change=${picked}></label>`;
  }

  #groupings() {
    const pages = this.getAttribute("pages");
    return html`<fieldset class="groupings"><legend>${t("scans.grouping")}</legend>
      ${GROUPINGS.map((each) => html`<label class="choice">
        <input type="radio" name="grouping" value=${each} .checked=${live(this.grouping.value === each)}
          @change=${() => { this.grouping.value = each; }}>
        <span><b>${t(`scans.grouping.${each}`, { pages })}</b><small>${t(`scans.grouping.${each}.hint`)}</small></span>
      </label>`)}</fieldset>`;
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
    const going = this.reading.value.length || this.line.sendings.value.some((each) => each.stage !== "same");
    if (!done.length || going) return nothing;
    const pages = done.reduce((sum, each) => sum + each.pages, 0);
    const booklets = done.reduce((sum, each) => sum + each.booklets, 0);
    const doubtful = done.reduce((sum, each) => sum + doubtfulOf(each), 0);
    return html`<div class="note ok outcome" role="status">${icon("check")}<div>
      <b>${n("scans.pages", pages)} · ${n("scans.booklets", booklets)}</b>
      <p>${doubtful ? n("scans.next.doubtful", doubtful) : t("scans.next.certain")}</p></div>
      <a class="button solid" href="?view=desk">${t("scans.next")}</a></div>`;
  }

  /** @param {Sending} sending */
  #sending({ key, file, stage, share, error }) {
    const going = ["waiting", "sending", "checking"].includes(stage);
    const percent = Math.floor(share * 100);
    const again = () => this.line.again(key);
    const away = () => this.line.remove(key);
    return html`<li class=${going ? "" : stage}>
      ${icon(going ? "file-text" : stage === "same" ? "info" : "triangle-alert")}
      <div><b>${file.name}</b><p class="small" role="status">${t(`scans.stage.${stage}`, { percent })}</p></div>
      <div class="acts">
        ${stage === "lost" ? named("scans.again", file.name, again) : nothing}
        ${stage === "checking" ? nothing : named(going ? "act.cancel" : "scans.dismiss", file.name, away)}</div>
      ${going ? progress(share, 1, file.name) : nothing}
      ${stage === "refused" ? note(error) : nothing}</li>`;
  }

  /** @param {any} upload */
  #upload(upload) {
    const { filename, status, job_id, error } = upload;
    const job = this.jobs.value.get(job_id);
    const reading = status === "splitting";
    const done = job && reading ? job.done : upload.sides_done;
    const total = job && reading ? job.total : upload.sides;
    const zipped = upload.parts.length > 0;
    const failed = status === "failed" && !zipped;
    const cancel = (/** @type {Event} */ event) => this.#act(event, () => call("DELETE", `/jobs/${job_id}`));
    return html`<li class=${status}>
      ${icon(zipped ? "file-archive" : failed ? "triangle-alert" : "file-text")}
      <div><b>${filename}</b><p class="small" role="status">
        ${reading ? t("scans.reading", { done, total }) : this.#outcome(upload)}</p></div>
      <div class="acts">
        ${reading && job_id ? named("act.cancel", filename, cancel) : nothing}
        ${upload.repeatable && job_id && !(zipped && status === "failed")
          ? this.#again(job_id, upload.id, filename, failed ? "scans.again" : "scans.read_again") : nothing}</div>
      ${reading ? progress(done, total || 1, filename) : nothing}
      ${failed ? html`<p class="note bad" role="alert">${icon("triangle-alert")}<span>${error?.detail}</span></p>` : nothing}
      ${zipped ? nothing : this.#doubts(upload)}
      ${zipped ? this.#parts(upload) : nothing}</li>`;
  }

  /** What is doubtful about the whole file, which a person settles by one look. @param {any} upload */
  #doubts(upload) {
    const shared = upload.anomalies.filter((/** @type {any} */ each) => !each.booklet_id);
    if (!shared.length) return nothing;
    const codes = [...new Set(shared.map((/** @type {any} */ each) => each.code))];
    const words = codes.map((code) => known(`doubt.${code}`, code)).join(", ");
    const [look, yes] = codes.every((code) => code === "direction_unsure")
      ? ["scans.one_hand", "scans.whole"] : ["scans.compare", "scans.complete"];
    const settle = (/** @type {Event} */ event) => this.#act(event, () => call("POST", `/uploads/${upload.id}/confirm`));
    return html`<div class="note warn">${icon("triangle-alert")}<span>${words}. ${t(look)}</span>
      ${named(yes, upload.filename, settle)}</div>`;
  }

  /** @param {any} upload */
  #outcome(upload) {
    const when = localMoment(upload.created_at);
    if (upload.status === "failed" && !upload.parts.length) return `${t("scans.failed")} · ${when}`;
    if (upload.status === "cancelled") return `${t("scans.cancelled")} · ${when}`;
    const doubtful = doubtfulOf(upload);
    const facts = [
      n("scans.sides", upload.sides), n("scans.pages", upload.pages), n("scans.booklets", upload.booklets),
      doubtful && n("booklets.doubtful", doubtful), when,
    ];
    return facts.filter(Boolean).join(" · ");
  }

  /** @param {any} archive */
  #parts(archive) {
    const failed = archive.parts.filter((/** @type {any} */ each) => each.status === "failed");
    const others = archive.parts.filter((/** @type {any} */ each) => each.status !== "failed");
    const refused = failed.length ? ` · ${n("scans.parts.failed", failed.length)}` : "";
    return html`<details ?open=${failed.length > 0}><summary>${n("scans.parts", archive.parts.length)}${refused}</summary>
      <ul class="parts">${[...failed, ...others].map((each) => this.#part(archive, each))}</ul></details>`;
  }

  /** @param {any} archive  @param {any} part */
  #part(archive, { id, name, status, error, repeatable }) {
    const pictures = /** @type {Record<string, string>} */ ({ failed: "triangle-alert", ready: "check" });
    return html`<li class=${status}>${icon(pictures[status] ?? "file-text")}
      <span><b>${name}</b> ${error ? html`<span class="bad-text">${error.detail}</span>`
        : html`<span class="quiet">${t(`scans.part.${status}`)}</span>`}</span>
      ${repeatable ? this.#again(archive.job_id, id, name, "scans.again") : nothing}</li>`;
  }

  /** @param {string} job  @param {string} item  @param {string} name  @param {string} word */
  #again(job, item, name, word) {
    const act = async () => {
      const fresh = await call("POST", `/jobs/${job}/items/${item}/repeat`);
      say(t("scans.on_its_way", { file: name }));
      this.follower.add([fresh.id]);
    };
    return named(word, name, (event) => this.#act(event, act));
  }
}

/** How many of its booklets wait for a person. @param {any} upload */
function doubtfulOf(upload) {
  return new Set(upload.anomalies.map((/** @type {any} */ each) => each.booklet_id).filter(Boolean)).size;
}

/** A button about one file, whose name a screen reader hears. @param {(event: Event) => void} act */
function named(/** @type {string} */ word, /** @type {string} */ name, act) {
  return html`<button class="button small" type="button" @click=${act}>${t(word)}<span class="unseen"> ${name}</span></button>`;
}

/** @param {number} done  @param {number} total  @param {string} file */
function progress(done, total, file) {
  return html`<progress max=${total} value=${done} aria-label=${t("scans.progress", { file })}></progress>`;
}

customElements.define("scan-upload", ScanUpload);
