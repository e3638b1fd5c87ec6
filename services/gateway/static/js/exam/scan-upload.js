/** <scan-upload exam>: send scans, see the transfer and then the reading of each, cancel either. */
import { all, call, upload } from "../core/api.js";
import { h, icon } from "../core/dom.js";
import { note } from "../core/problem.js";
import { n, t } from "../core/words.js";
import { fileDrop } from "./file-drop.js";

const EVERY_MS = 700;
const ENDED = new Set(["succeeded", "failed", "cancelled"]);

class ScanUpload extends HTMLElement {
  async connectedCallback() {
    this.exam = this.getAttribute("exam");
    this.list = h("ul", { class: "uploads" });
    const what = { title: t("scans.choose"), hint: t("scans.choose.hint"), accept: ".pdf,.zip,application/pdf,application/zip", picture: "scans", multiple: true };
    this.replaceChildren(fileDrop(what, (files) => this.#sendAll(files)), this.list);
    try {
      await this.#known();
    } catch (error) {
      this.list.replaceChildren(h("li", {}, note(error)));
    }
  }

  /** What was uploaded before; what is still being read is followed through its job. */
  async #known() {
    const uploads = await all(`/exams/${this.exam}/uploads`);
    const reading = uploads.some((each) => each.status === "splitting");
    const jobs = reading ? (await call("GET", "/jobs?limit=50")).items : [];
    for (const each of uploads) {
      const item = new Item(this, each.filename);
      this.list.append(item.element);
      const job = jobs.find((one) => one.items.some((part) => part.id === each.id));
      if (each.status === "splitting" && job) item.follow(job);
      else item.settled(each);
    }
  }

  async #sendAll(files) {
    const items = files.map((file) => new Item(this, file.name));
    this.list.prepend(...items.map((each) => each.element));
    for (const [at, file] of files.entries()) await items[at].send(file); // one after the other: the line is shared
  }
}

/** One scan in the list, from the first byte sent to its booklets. */
class Item {
  #stop = new AbortController();
  #job = null;

  constructor(list, name) {
    this.list = list;
    this.state = h("span", { class: "quiet", role: "status" }, t("scans.waiting"));
    this.bar = h("progress", { max: 1, value: 0, "aria-label": t("scans.progress", { file: name }) });
    this.cancel = h("button", { class: "button small", type: "button", onclick: () => this.#cancel() }, t("act.cancel"));
    this.element = h("li", { class: "upload" }, icon("file"), h("div", {}, h("b", {}, name), h("div", { class: "small" }, this.state)), this.cancel, this.bar);
  }

  async send(file) {
    if (this.#stop.signal.aborted) return;
    try {
      const job = await upload(`/exams/${this.list.exam}/uploads`, file, (share) => {
        this.bar.value = share;
        this.state.textContent = share < 1 ? t("scans.sending", { percent: Math.floor(share * 100) }) : t("scans.checking");
      }, this.#stop.signal);
      await this.follow(job);
    } catch (error) {
      if (error.name === "AbortError") this.#end(t("scans.cancelled"));
      else this.#failed(error, t("scans.not_sent"));
    }
  }

  /** Ask for the job until it has ended. */
  async follow(job) {
    this.#job = job;
    let missed = 0;
    while (!ENDED.has(job.status)) {
      this.bar.max = job.total || 1;
      this.bar.value = job.done;
      this.state.textContent = t("scans.reading", { done: job.done, total: job.total });
      await new Promise((resume) => setTimeout(resume, EVERY_MS));
      try {
        job = await call("GET", `/jobs/${job.id}`);
        missed = 0;
      } catch (error) {
        if ((missed += 1) > 20 || error.status === 404) return this.#failed(error); // a restart passes
      }
    }
    if (job.status === "failed") return this.#failed({ document: job.error ?? { detail: t("scans.failed") } });
    if (job.status === "cancelled") return this.#end(t("scans.cancelled"));
    this.settled(await call("GET", `/uploads/${job.items[0].id}`));
    document.dispatchEvent(new CustomEvent("scan-read"));
  }

  /** @param {any} upload as the API shows it */
  settled(upload) {
    if (upload.status === "failed") return this.#failed({ document: upload.error ?? { detail: t("scans.failed") } });
    if (upload.status === "cancelled") return this.#end(t("scans.cancelled"));
    if (upload.status === "splitting") return this.#end(t("scans.reading", { done: upload.sides_done, total: upload.sides }));
    this.#end([n("scans.sides", upload.sides), n("scans.pages", upload.pages), n("scans.booklets", upload.booklets)].join(" · "));
    this.cancel.remove();
  }

  #end(text) {
    this.state.textContent = text;
    this.bar.remove();
    this.cancel.remove();
  }

  #failed(error, state = t("scans.failed")) {
    this.#end(state);
    this.element.append(note(error));
  }

  async #cancel() {
    this.#stop.abort();
    if (!this.#job) return;
    this.cancel.disabled = true;
    try {
      await call("DELETE", `/jobs/${this.#job.id}`);
    } catch (error) {
      this.element.append(note(error));
    }
  }
}

customElements.define("scan-upload", ScanUpload);
