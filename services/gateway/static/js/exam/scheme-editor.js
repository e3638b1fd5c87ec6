/**
 * <scheme-editor exam total>: the scheme as an outline that is typed. Enter adds a line, Alt+→ and Alt+← move it a
 * level, Alt+↑ and Alt+↓ move it with what is below it, Backspace in an empty line removes it. The sum is always there.
 */
import { call } from "../core/api.js";
import { h, icon } from "../core/dom.js";
import { tell } from "../core/problem.js";
import { n, points, t } from "../core/words.js";
import { DEEPEST, decimal, endOf, flatten, isBranch, nest, parse, settle, sum, thousandths, written } from "./outline.js";

const newId = () => `q${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;

class SchemeEditor extends HTMLElement {
  #lines = [];
  #scheme = null;
  #unsaved = false;

  async connectedCallback() {
    this.path = `/exams/${this.getAttribute("exam")}/scheme`;
    this.prepend(h("div", { class: "editor-head" }, h("span", {}),
      h("button", { class: "button", type: "button", onclick: () => this.#open() }, icon("edit"), t("scheme.edit"))));
    addEventListener("beforeunload", (event) => this.#unsaved && event.preventDefault());
    if (!this.querySelector(".outline")) await this.#open();
  }

  async #open() {
    try {
      this.#scheme = await call("GET", this.path);
    } catch (error) {
      this.prepend(h("div", {}));
      tell(this.firstChild, error);
      return;
    }
    this.#lines = flatten(this.#scheme.nodes);
    if (!this.#lines.length) this.#lines = [this.#line(0)];
    this.#lines.forEach((line) => (line.points = points(line.points)));
    this.total = h("strong", {});
    this.sum = h("p", { class: "sum", "aria-live": "polite" }, this.total, h("span", {}, `/ ${points(this.getAttribute("total"))}`));
    this.rows = h("div", { class: "rows", role: "list" });
    this.told = h("div", {});
    this.save = h("button", { class: "button solid", type: "button", onclick: () => this.#save() }, t("act.save"));
    this.replaceChildren(
      h("div", { class: "editor-head" }, this.sum, h("div", { class: "acts" }, this.save,
        h("a", { class: "button", href: location.pathname, onclick: () => (this.#unsaved = false) }, t("act.cancel")))),
      this.told,
      this.rows,
      h("p", { class: "hint" }, t("scheme.keys")),
      h("button", { class: "button", type: "button", onclick: () => this.#add(this.#lines.length - 1) }, icon("plus"), t("scheme.add")),
    );
    this.#draw(0);
  }

  #line(level) {
    return { id: newId(), level, label: "", points: "", bonus: false };
  }

  /** Draw all lines; `at` gets the focus. */
  #draw(at) {
    settle(this.#lines);
    this.rows.replaceChildren(...this.#lines.map((line, each) => this.#row(line, each)));
    this.#count();
    if (at !== undefined) this.#focus(at);
  }

  #focus(at) {
    const label = this.rows.children[Math.max(0, Math.min(at, this.#lines.length - 1))]?.querySelector("input");
    label?.focus();
  }

  #row(line, at) {
    const branch = isBranch(this.#lines, at);
    const number = at + 1;
    const changed = () => { this.#unsaved = true; this.#count(); };
    const label = h("input", {
      class: "input", value: line.label, maxlength: 200, placeholder: t("scheme.placeholder"),
      oninput: (event) => { line.label = event.target.value; changed(); },
      onkeydown: (event) => this.#key(event, at),
      onpaste: (event) => this.#paste(event, at),
    });
    label.setAttribute("aria-label", t("scheme.label", { number }));
    const worth = branch
      ? h("output", {})
      : h("input", {
        class: "input points", value: line.points, inputmode: "decimal", "aria-label": t("scheme.points", { number }),
        oninput: (event) => { line.points = event.target.value; changed(); },
        onkeydown: (event) => this.#key(event, at),
      });
    const bonus = branch ? h("span", {}) : h("label", { class: "bonus" },
      h("input", { type: "checkbox", checked: line.bonus, onchange: (event) => { line.bonus = event.target.checked; changed(); } }),
      t("scheme.bonus"));
    const tool = (name, act, disabled) => h("button", {
      class: "plain", type: "button", title: t(`scheme.${name}`), "aria-label": t(`scheme.${name}.of`, { number }), disabled, onclick: act,
    }, icon(name));
    return h("div", { class: branch ? "row branch" : "row", role: "listitem" },
      h("div", { class: "label" }, Array.from({ length: line.level }, () => h("span", { class: "depth", "aria-hidden": "true" })), label),
      worth, bonus,
      h("div", { class: "tools" },
        tool("outdent", () => this.#shift(at, -1), line.level === 0),
        tool("indent", () => this.#shift(at, 1), at === 0 || line.level > this.#lines[at - 1].level || line.level >= DEEPEST),
        tool("trash", () => this.#remove(at), this.#lines.length === 1)));
  }

  #count() {
    this.#lines.forEach((_, at) => {
      const row = this.rows.children[at];
      const output = row?.querySelector("output");
      const input = row?.querySelector(".points");
      if (output) output.textContent = this.#shown(sum(this.#lines, at));
      if (input) input.setAttribute("aria-invalid", String(Number.isNaN(thousandths(input.value))));
    });
    const all = sum(this.#lines);
    this.total.textContent = this.#shown(all);
    this.sum.classList.toggle("right", all === thousandths(this.getAttribute("total")));
  }

  #shown(value) {
    return Number.isNaN(value) ? "?" : points(written(value));
  }

  #key(event, at) {
    const moves = { ArrowRight: () => this.#shift(at, 1), ArrowLeft: () => this.#shift(at, -1), ArrowUp: () => this.#move(at, -1), ArrowDown: () => this.#move(at, 1) };
    let act = null;
    if (event.altKey) act = moves[event.key];
    else if (event.key === "Enter") act = () => this.#add(at);
    else if (event.key === "ArrowDown") act = () => this.#focus(at + 1);
    else if (event.key === "ArrowUp") act = () => this.#focus(at - 1);
    else if (event.key === "Backspace" && !this.#lines[at].label && !event.target.value && this.#lines.length > 1) act = () => this.#remove(at);
    if (act) {
      event.preventDefault();
      act();
    }
  }

  #paste(event, at) {
    const text = event.clipboardData.getData("text/plain");
    if (!/[\n;\t]/.test(text.trim())) return;
    event.preventDefault();
    const pasted = parse(text, newId).map((line) => ({ ...line, level: line.level + this.#lines[at].level }));
    this.#lines.splice(at, this.#lines[at].label ? 0 : 1, ...pasted);
    this.#unsaved = true;
    this.#draw(at + pasted.length - 1);
  }

  #add(at) {
    this.#lines.splice(at + 1, 0, this.#line(isBranch(this.#lines, at) ? this.#lines[at].level + 1 : this.#lines[at].level));
    this.#unsaved = true;
    this.#draw(at + 1);
  }

  #remove(at) {
    this.#lines.splice(at, 1);
    this.#unsaved = true;
    this.#draw(Math.max(0, at - 1));
  }

  /** A line takes what is below it along. */
  #shift(at, by) {
    const line = this.#lines[at];
    if (line.level + by < 0 || line.level + by > DEEPEST || (by > 0 && (at === 0 || line.level > this.#lines[at - 1].level))) return;
    for (let each = at, end = endOf(this.#lines, at); each < end; each += 1) this.#lines[each].level += by;
    this.#unsaved = true;
    this.#draw(at);
  }

  #move(at, by) {
    const end = endOf(this.#lines, at);
    let to = at + by;
    if (by < 0) while (to > 0 && this.#lines[to].level > this.#lines[at].level) to -= 1;
    else to = end < this.#lines.length ? endOf(this.#lines, end) - (end - at) : at;
    if (to < 0 || to === at || this.#lines[by < 0 ? to : end].level !== this.#lines[at].level) return;
    const moved = this.#lines.splice(at, end - at);
    this.#lines.splice(to, 0, ...moved);
    this.#unsaved = true;
    this.#draw(to);
  }

  async #save() {
    const kept = this.#lines.filter((line) => line.label.trim() || decimal(line.points));
    this.told.replaceChildren();
    this.save.setAttribute("aria-busy", "true");
    try {
      const body = { version: this.#scheme.version, nodes: nest(settle(kept)), step: this.#scheme.step };
      if (!this.#scheme.version) delete body.version;
      const { impact } = await call("PUT", this.path, body);
      this.#unsaved = false;
      if (!impact.marked_copies) return location.reload();
      this.told.replaceChildren(h("div", { class: "note warn", role: "status" }, icon("alert"), h("span", {},
        n("scheme.impact", impact.marked_copies, { affected: impact.affected_copies }), " ",
        h("a", { href: location.pathname }, t("scheme.read")))));
      this.#scheme = await call("GET", this.path);
    } catch (error) {
      tell(this.told, error);
    }
    this.save.removeAttribute("aria-busy");
  }
}

customElements.define("scheme-editor", SchemeEditor);
