// @ts-check
/**
 * <exam-settings exam>: title, date, total and pages of an exam in a dialogue, and setting the exam aside.
 * A change that somebody else made meanwhile is shown, and one chooses; nothing is overwritten unseen.
 */
import { call } from "../core/api.js";
import { confirmed } from "../core/dialog.js";
import { Island, html, icon, nothing, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { language, points, t } from "../core/words.js";

/** @typedef {{id: string, title: string, date: string | null, total_points: string, pages_per_booklet: number, identification_error_budget: string | null, check_printed_names: boolean, version: number}} Exam */
const FIELDS = /** @type {const} */ (["title", "date", "total_points", "pages_per_booklet", "identification_error_budget", "check_printed_names"]);
const BUDGETS = ["", "0", "0.0001", "0.001", "0.01"];

class ExamSettings extends Island {
  exam = signal(/** @type {Exam | null} */ (null));
  theirs = signal(/** @type {Exam | null} */ (null));
  told = signal(/** @type {Node | null} */ (null));

  get dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  get form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("form"));
  }

  get path() {
    return `/exams/${this.getAttribute("exam")}`;
  }

  view() {
    return html`<button class="button" @click=${() => this.open()}>${icon("settings-2")}${t("exam.settings")}</button>
      <button class="button" @click=${() => this.archive()}>${icon("archive")}${t("exams.set_aside")}</button>
      ${this.told.value ?? nothing}
      <dialog class="settings" aria-labelledby="settings-title">
        <h2 id="settings-title">${t("exam.settings")}</h2>
        ${this.exam.value ? this.fields(this.exam.value) : nothing}
      </dialog>`;
  }

  /** @param {Exam} exam */
  fields(exam) {
    const field = (/** @type {"title"} */ name, /** @type {unknown} */ input, hint = "") => html`<label class="field">
      <span>${t(`exam.${name}`)}</span>${input}${hint ? html`<small>${hint}</small>` : nothing}</label>`;
    return html`<form class="fields" @submit=${(/** @type {Event} */ event) => this.save(event)}>
      ${field("title", html`<input name="title" maxlength="200" required .value=${exam.title}>`)}
      <div class="columns">
        ${field(/** @type {any} */ ("date"), html`<input name="date" type="date" .value=${exam.date ?? ""}>`)}
        ${field(/** @type {any} */ ("total_points"), html`<input name="total_points" inputmode="decimal" required .value=${points(exam.total_points)}>`)}
      </div>
      ${field(/** @type {any} */ ("pages_per_booklet"), html`<input name="pages_per_booklet" type="number" min="1" max="200" required .value=${String(exam.pages_per_booklet)}>`, t("exam.pages_per_booklet.hint"))}
      ${field(/** @type {any} */ ("identification_error_budget"), html`<select name="identification_error_budget">${[...new Set([...BUDGETS, exam.identification_error_budget ?? ""])].map(
        (each) => html`<option value=${each} ?selected=${each === (exam.identification_error_budget ?? "")}>${budget(each)}</option>`)}</select>`, t("exam.identification_error_budget.hint"))}
      ${field(/** @type {any} */ ("check_printed_names"), html`<select name="check_printed_names">${[false, true].map(
        (each) => html`<option value=${String(each)} ?selected=${each === exam.check_printed_names}>${t(`exam.printed.${each}`)}</option>`)}</select>`, t("exam.check_printed_names.hint"))}
      ${this.theirs.value ? this.conflict(exam, this.theirs.value) : nothing}
      <div class="acts"><button type="button" class="button" @click=${() => this.close()}>${t("act.cancel")}</button>
        ${this.theirs.value ? nothing : html`<button class="button solid">${t("act.save")}</button>`}</div>
    </form>`;
  }

  /** @param {Exam} mine @param {Exam} theirs */
  conflict(mine, theirs) {
    const changed = FIELDS.filter((name) => mine[name] !== theirs[name]);
    return html`<div class="note warn" role="alert">${icon("alert")}<div><p>${t("exam.conflict")}</p>
      <ul>${changed.map((name) => html`<li>${t(`exam.${name}`)} : <b>${worded(name, theirs)}</b></li>`)}</ul>
      <p class="acts"><button type="button" class="button small" @click=${() => this.adopt(theirs)}>${t("conflict.theirs")}</button>
        <button type="button" class="button small" @click=${() => this.insist(theirs)}>${t("conflict.mine")}</button></p></div></div>`;
  }

  async open() {
    this.told.value = null;
    this.theirs.value = null;
    try {
      this.exam.value = await call("GET", this.path);
    } catch (error) {
      this.told.value = note(error);
      return;
    }
    this.dialog.showModal();
  }

  close() {
    this.dialog.close();
  }

  /** @param {Exam} theirs */
  adopt(theirs) {
    this.theirs.value = null;
    this.exam.value = theirs;
    const form = this.form;
    for (const name of FIELDS) {
      const input = /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
      input.value = name === "total_points" ? points(theirs[name]) : String(theirs[name] ?? "");
    }
  }

  /** @param {Exam} theirs */
  insist(theirs) {
    this.theirs.value = null;
    this.exam.value = { .../** @type {Exam} */ (this.exam.value), version: theirs.version };
    this.send();
  }

  /** @param {Event} event */
  save(event) {
    event.preventDefault();
    this.send();
  }

  async send() {
    const form = this.form;
    const said = Object.fromEntries(new FormData(form));
    const version = /** @type {Exam} */ (this.exam.value).version;
    form.querySelector(":scope > .note.bad")?.remove();
    try {
      await call("PATCH", this.path, {
        version,
        title: String(said.title).trim(),
        date: said.date || null,
        total_points: String(said.total_points).trim().replace(",", "."),
        pages_per_booklet: Number(said.pages_per_booklet),
        identification_error_budget: said.identification_error_budget || null,
        check_printed_names: said.check_printed_names === "true",
      });
      location.reload();
    } catch (error) {
      const current = /** @type {any} */ (error).document?.current;
      if (current) this.theirs.value = current;
      else form.prepend(note(error));
    }
  }

  async archive() {
    if (!(await confirmed(t("exams.set_aside.confirm")))) return;
    try {
      const { version } = await call("GET", this.path);
      await call("DELETE", `${this.path}?version=${version}`);
      location.assign("/exams?archived");
    } catch (error) {
      this.told.value = note(error);
    }
  }
}

/** @param {typeof FIELDS[number]} name @param {Exam} exam */
function worded(name, exam) {
  if (name === "identification_error_budget") return budget(exam[name] ?? "");
  return name === "check_printed_names" ? t(`exam.printed.${exam[name]}`) : exam[name] ?? "–";
}

/** @param {string} share of copies that may be wrong, "" for the installation's */
function budget(share) {
  if (!Number(share)) return t(share === "" ? "exam.budget.usual" : "exam.budget.never");
  return t("exam.budget.one_in", { copies: Math.round(1 / Number(share)).toLocaleString(language) });
}

customElements.define("exam-settings", ExamSettings);
