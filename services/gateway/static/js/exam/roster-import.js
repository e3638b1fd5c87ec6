// @ts-check
/**
 * <roster-import exam>: choose a CSV, see which column says what (and say it where it was not understood), read the
 * report of a dry run row by row, then import. Nothing is written before.
 */
import { acting } from "../core/acting.js";
import { call, save } from "../core/api.js";
import { Island, html, icon, nothing, preference, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { known, n, t } from "../core/words.js";

/** @typedef {{row: number, field: string, value: string, reason: string}} RowError */
/** @typedef {{created: number, updated: number, unchanged: number, skipped: {row: number, reason: string}[], errors: RowError[]}} Report */
/** @typedef {{header: string[], columns: {field: string, header: string}[], rows: string[][], records: number}} Look */

const FIELDS = ["last_name", "first_name", "full_name", "class", "birth_date", "ine"];
const PRESETS = ["generic", "pronote", "siecle", "cyclades"];
const ROWS = 200;
const REMEMBERED = 20;
/** What was said about files with the same header, so that it is said once. */
const remembered = preference("roster.columns", /** @type {Record<string, {preset: string, mapping: Record<string, string>}>} */ ({}));

class RosterImport extends Island {
  file = signal(/** @type {File | null} */ (null));
  lines = signal(/** @type {string[]} */ ([]));
  preset = signal("generic");
  mapping = signal(/** @type {Record<string, string>} */ ({}));
  look = signal(/** @type {Look | null} */ (null));
  report = signal(/** @type {Report | null} */ (null));
  told = signal(/** @type {unknown} */ (nothing));
  busy = signal(false);
  over = signal(false);
  #asked = 0;

  get path() {
    return `/exams/${this.getAttribute("exam")}/roster`;
  }

  view() {
    const file = this.file.value;
    return html`${this.drop()}
      <div aria-live="polite">${this.busy.value && file && !this.report.value ? html`<p class="hint">${t("roster.reading", { file: file.name })}</p>` : nothing}</div>
      ${this.look.value ? this.columns(this.look.value) : nothing}
      <div class="told">${this.told.value}</div>
      ${this.report.value && file ? this.outcome(file, this.report.value) : nothing}`;
  }

  drop() {
    const over = (/** @type {boolean} */ on) => (/** @type {DragEvent} */ event) => { event.preventDefault(); this.over.value = on; };
    const dropped = (/** @type {DragEvent} */ event) => { over(false)(event); this.choose(event.dataTransfer?.files[0]); };
    const chosen = (/** @type {any} */ event) => { this.choose(event.target.files[0]); event.target.value = ""; };
    return html`<label class="drop ${this.over.value ? "over" : ""}" @dragover=${over(true)} @dragleave=${over(false)} @drop=${dropped}>
      ${icon("file-spreadsheet")}<b>${t("roster.choose")}</b><span class="small">${t("roster.choose.hint")}</span>
      <input class="unseen" type="file" accept=".csv,.txt,text/csv,text/plain" @change=${chosen}></label>`;
  }

  /** @param {File | undefined} file */
  async choose(file) {
    if (!file) return;
    this.file.value = file;
    this.preset.value = "generic";
    this.mapping.value = {};
    this.look.value = null;
    this.lines.value = linesOf(await file.arrayBuffer());
    await this.check();
    const said = remembered.value[key(this.look.value)];
    if (said) {
      this.preset.value = said.preset;
      this.mapping.value = said.mapping;
      await this.check();
    }
  }

  /** Look at the columns and try the import; what is asked later wins over what is answered late. */
  async check() {
    const asked = ++this.#asked;
    this.busy.value = true;
    this.told.value = nothing;
    this.report.value = null;
    try {
      const look = await call("POST", `${this.path}/columns`, this.form());
      if (asked !== this.#asked) return;
      this.look.value = look;
      const report = await call("POST", `${this.path}?dry_run=true`, this.form());
      if (asked === this.#asked) this.report.value = report;
    } catch (error) {
      const code = /** @type {any} */ (error).document?.code ?? "";
      if (asked === this.#asked) {
        const columns = code === "grading.roster_columns_unknown" && this.look.value;
        this.told.value = columns ? html`<p class="note warn" role="status">${icon("alert")}<span>${t("roster.columns.missing")}</span></p>` : note(error);
      }
    }
    if (asked === this.#asked) this.busy.value = false;
  }

  form() {
    const form = new FormData();
    form.append("file", /** @type {File} */ (this.file.value));
    form.append("preset", this.preset.value);
    form.append("mapping", JSON.stringify(this.mapping.value));
    return form;
  }

  /** @param {Look} look */
  columns({ header, columns, rows, records }) {
    const says = header.map((name) => columns.find((each) => each.header === name)?.field ?? "");
    const used = says.filter(Boolean).length;
    return html`<div class="mapping">
      <div class="mapping-head"><div><h3>${t("roster.columns")}</h3>
        <p class="quiet small">${n("roster.columns.found", used, { columns: header.length, records })}</p></div>
        <label class="field"><span>${t("roster.preset")}</span><select class="input" @change=${(/** @type {any} */ event) => this.origin(event.target.value)}>
          ${PRESETS.map((each) => html`<option value=${each} ?selected=${each === this.preset.value}>${t(`roster.preset.${each}`)}</option>`)}</select></label></div>
      <div class="scroll" tabindex="0" role="region" aria-label=${t("roster.columns")}><table>
        <thead><tr>${header.map((name, at) => html`<th scope="col"><b>${name || "–"}</b>
          <select class=${says[at] ? "used" : ""} aria-label=${t("roster.columns.says", { column: name })} ?disabled=${!name} @change=${(/** @type {any} */ event) => this.say(name, event.target.value)}>
            <option value="" ?selected=${!says[at]}>${t("roster.columns.unused")}</option>
            ${FIELDS.map((each) => html`<option value=${each} ?selected=${says[at] === each}>${t(`field.${each}`)}</option>`)}</select></th>`)}</tr></thead>
        <tbody>${rows.map((row) => html`<tr>${header.map((_, at) => html`<td class=${says[at] ? "" : "unused"}>${row[at] ?? ""}</td>`)}</tr>`)}</tbody>
      </table></div></div>`;
  }

  /** @param {string} preset */
  origin(preset) {
    this.preset.value = preset;
    this.mapping.value = {};
    this.check();
  }

  /** @param {string} column @param {string} field */
  say(column, field) {
    const others = Object.entries(this.mapping.value).filter(([what, where]) => what !== field && where !== column);
    const before = this.look.value?.columns.find((each) => each.header === column)?.field;
    // A column that is to say nothing gives its field to no other: only another choice for that field can.
    if (!field && before && !(before in this.mapping.value)) {
      say(t("roster.columns.keep", { column, field: t(`field.${before}`) }), "warn");
      this.look.value = { .../** @type {Look} */ (this.look.value) };
      return;
    }
    this.mapping.value = Object.fromEntries(field ? [...others, [field, column]] : others);
    this.check();
  }

  /** @param {File} file @param {Report} report */
  outcome(file, report) {
    const good = report.errors.length === 0;
    const useful = report.created + report.updated;
    const counts = { created: report.created, updated: report.updated, unchanged: report.unchanged, ignored: report.skipped.length, errors: report.errors.length };
    return html`<section aria-labelledby="report-title"><h3 id="report-title" class="hint">${t("roster.report", { file: file.name })}</h3>
      <dl class="figures five">${Object.entries(counts).map(([name, count]) => html`<div class=${name === "errors" && count ? "is-bad" : ""}><dt>${t(`roster.${name}`)}</dt><dd>${count}</dd></div>`)}</dl>
      <p class="note ${good ? "ok" : "bad"}" role="status">${icon(good ? "check" : "alert")}<span>${t(!good ? "roster.bad" : useful ? "roster.good" : "roster.same")}</span></p>
      ${good ? nothing : this.errors(report.errors)}
      ${report.skipped.length ? html`<details><summary>${n("roster.skipped", report.skipped.length)}</summary><ul class="quiet small">${report.skipped.slice(0, ROWS).map((each) => html`<li>${t("roster.line", { row: each.row })} : ${reason(each.reason)}</li>`)}</ul></details>` : nothing}
      <p class="acts more">${good ? nothing : html`<button class="button" type="button" @click=${() => acting(this, () => save(`${this.path}/errors.csv`, this.form(), t("roster.bad_rows.file")))}>${icon("download")}${t("roster.bad_rows")}</button>`}
        ${useful ? html`<button class="button ${good ? "solid" : ""}" type="button" aria-busy=${String(this.busy.value)} @click=${() => this.import(!good, useful)}>${icon("check")}${n(good ? "roster.confirm" : "roster.confirm_good", useful)}</button>` : nothing}</p></section>`;
  }

  /** @param {RowError[]} errors */
  errors(errors) {
    const line = (/** @type {number} */ row) => this.lines.value[row - 1]?.trim() ?? "";
    return html`<div class="scroll rows-wrong" tabindex="0" role="region" aria-label=${t("roster.rows")}><table>
      <thead><tr><th>${t("roster.row")}</th><th>${t("roster.field")}</th><th>${t("roster.reason")}</th><th>${t("roster.as_read")}</th></tr></thead>
      <tbody>${errors.slice(0, ROWS).map((each) => {
        const other = Number(each.reason.match(/^duplicate_of_row_(\d+)$/)?.[1]);
        return html`<tr><th scope="row">${each.row}</th><td>${known(`field.${each.field}`, each.field)}</td><td class="why">${reason(each.reason)}</td>
          <td><span class="as-read code">${line(each.row)}</span>${other ? html`<span class="as-read code">${t("roster.line", { row: other })} : ${line(other)}</span>` : nothing}</td></tr>`;
      })}</tbody></table></div>
      ${errors.length > ROWS ? html`<p class="hint">${t("roster.more_rows", { n: errors.length - ROWS })}</p>` : nothing}`;
  }

  /** @param {boolean} partial @param {number} count */
  import(partial, count) {
    return acting(this, async () => {
      await call("POST", `${this.path}?dry_run=false&partial=${partial}`, this.form());
      const kept = Object.entries(remembered.value).slice(1 - REMEMBERED);
      remembered.value = Object.fromEntries([...kept, [key(this.look.value), { preset: this.preset.value, mapping: this.mapping.value }]]);
      this.file.value = this.look.value = this.report.value = null;
      say(n("roster.imported", count));
      this.dispatchEvent(new CustomEvent("imported", { bubbles: true }));
    });
  }
}

/** @param {Look | null} look */
function key(look) {
  return (look?.header ?? []).join("\t").slice(0, 500);
}

/** @param {string} code */
function reason(code) {
  const [, name, row] = /** @type {string[]} */ (code.match(/^(.*?)(?:_(\d+))?$/));
  return known(`roster.reason.${name}`, code, { row });
}

/** The file's lines, to show the rows that are wrong; read as the service reads them. @param {ArrayBuffer} bytes */
function linesOf(bytes) {
  const start = new Uint8Array(bytes.slice(0, 2));
  let text;
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff)) {
    text = new TextDecoder(start[0] === 0xff ? "utf-16le" : "utf-16be").decode(bytes);
  } else {
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      text = new TextDecoder("windows-1252").decode(bytes); // no UTF-8: what else a spreadsheet writes
    }
  }
  return text.split(/\r\n|\r|\n/);
}

customElements.define("roster-import", RosterImport);
