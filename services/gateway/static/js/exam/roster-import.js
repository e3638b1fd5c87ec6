/** <roster-import exam>: choose a CSV, read the report of a dry run row by row, then import. */
import { call, save } from "../core/api.js";
import { h, icon } from "../core/dom.js";
import { note } from "../core/problem.js";
import { known, n, t } from "../core/words.js";
import { fileDrop } from "./file-drop.js";

const ROWS = 200;

class RosterImport extends HTMLElement {
  connectedCallback() {
    this.path = `/exams/${this.getAttribute("exam")}/roster`;
    this.report = h("div", { "aria-live": "polite" });
    const what = { title: t("roster.choose"), hint: t("roster.choose.hint"), accept: ".csv,text/csv,text/plain", picture: "roster" };
    this.replaceChildren(fileDrop(what, ([file]) => this.#try(file)), this.report);
  }

  async #try(file) {
    this.report.replaceChildren(h("p", { class: "hint" }, t("roster.reading", { file: file.name })));
    try {
      this.#show(file, await this.#send(file, true));
    } catch (error) {
      const found = error.document?.report;
      if (found) this.#show(file, found);
      else this.report.replaceChildren(h("p", {}), note(error));
    }
  }

  #send(file, dryRun, partial = false) {
    return call("POST", `${this.path}?dry_run=${dryRun}&partial=${partial}`, formOf(file));
  }

  #show(file, report) {
    const counts = ["created", "updated", "unchanged"].map((each) => h("div", {}, h("dt", {}, t(`roster.${each}`)), h("dd", {}, String(report[each]))));
    counts.push(h("div", {}, h("dt", {}, t("roster.errors")), h("dd", {}, String(report.errors.length))));
    const good = report.errors.length === 0;
    const useful = report.created + report.updated > 0;
    this.report.replaceChildren(
      h("p", { class: "hint" }, t("roster.report", { file: file.name })),
      h("dl", { class: "figures" }, counts),
      good
        ? h("p", { class: "note ok" }, icon("check"), h("span", {}, t(useful ? "roster.good" : "roster.same")))
        : h("p", { class: "note bad" }, icon("alert"), h("span", {}, t("roster.bad"))),
      report.errors.length > 0 && table([t("roster.row"), t("roster.field"), t("roster.value"), t("roster.reason")],
        report.errors.map((each) => [each.row, known(`field.${each.field}`, each.field), each.value, reason(each.reason)])) || "",
      report.skipped.length > 0 && h("details", {}, h("summary", {}, n("roster.skipped", report.skipped.length)),
        table([t("roster.row"), t("roster.reason")], report.skipped.map((each) => [each.row, reason(each.reason)]))) || "",
      !good && h("p", { class: "more" }, button("button", [icon("download"), t("roster.bad_rows")],
        () => save(`${this.path}/errors.csv`, formOf(file), t("roster.bad_rows.file")))) || "",
      useful && h("p", { class: "more" }, button(good ? "button solid" : "button", [icon("check"), n(good ? "roster.confirm" : "roster.confirm_good", report.created + report.updated)],
        async () => { await this.#send(file, false, !good); location.reload(); })) || "",
    );
  }
}

/** A button that is busy while it works, and says what went wrong. */
function button(kind, label, work) {
  const made = h("button", { class: kind, type: "button", onclick: async () => {
    made.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (error) {
      made.before(note(error));
    }
    made.removeAttribute("aria-busy");
  } }, label);
  return made;
}

function formOf(file) {
  const form = new FormData();
  form.append("file", file);
  return form;
}

function reason(code) {
  const [, name, row] = code.match(/^(.*?)(?:_(\d+))?$/);
  return known(`roster.reason.${name}`, code, { row });
}

function table(heads, rows) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("roster.rows") }, h("table", {},
    h("thead", {}, h("tr", {}, heads.map((each) => h("th", {}, each)))),
    h("tbody", {}, rows.slice(0, ROWS).map((row) => h("tr", {}, row.map((each) => h("td", {}, String(each))))))),
  rows.length > ROWS && h("p", { class: "hint" }, t("roster.more_rows", { n: rows.length - ROWS })));
}

customElements.define("roster-import", RosterImport);
