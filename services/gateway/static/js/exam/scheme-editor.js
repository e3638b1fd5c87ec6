// @ts-check
/**
 * <scheme-editor exam total>: the scheme as an outline. It is typed (Enter adds a line, Alt+arrows move it with what is
 * below it), dragged, pasted, or read from a CSV file; everything can be undone until the page is left.
 */
import { call } from "../core/api.js";
import { confirmed } from "../core/dialog.js";
import { Island, computed, html, icon, live, nothing, repeat, signal, styled } from "../core/island.js";
import { note } from "../core/problem.js";
import { known, n, points, t } from "../core/words.js";
import { say } from "../core/toast.js";
import {
  DEEPEST, endOf, flatten, isBranch, moved, nest, numbers, parse, settle, sum, thousandths, troubles, written,
} from "./outline.js";
import { dragging } from "./scheme-drag.js";
import "./scheme-comments.js";

/** @typedef {import("./outline.js").Line} Line */
/** @typedef {{version: number, nodes: import("./outline.js").Node[], step: string, total_points: string}} Scheme */

const STEPS = ["0.25", "0.5", "1"];
const UNDONE_AT_MOST = 200;
const newId = () => `q${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;

class SchemeEditor extends Island {
  scheme = signal(/** @type {Scheme | null} */ (null));
  lines = signal(/** @type {Line[]} */ ([]));
  step = signal("0.25");
  past = signal(/** @type {Line[][]} */ ([]));
  future = signal(/** @type {Line[][]} */ ([]));
  told = signal(/** @type {unknown} */ (nothing));
  busy = signal(false);
  tried = signal(false);
  commented = signal("");
  landing = signal(/** @type {{from: number, at: number, level: number} | null} */ (null));
  saved = signal("");
  wrong = computed(() => troubles(this.lines.value, thousandths(this.step.value)));
  changed = computed(() => this.saved.value !== JSON.stringify([this.lines.value, this.step.value]));
  #typing = "";
  #leaving = (/** @type {Event} */ event) => { if (this.changed.value) event.preventDefault(); };

  get path() {
    return `/exams/${this.getAttribute("exam")}/scheme`;
  }

  setup() {
    addEventListener("beforeunload", this.#leaving);
    this.load();
  }

  teardown() {
    removeEventListener("beforeunload", this.#leaving);
  }

  async load() {
    try {
      this.adopt(await call("GET", this.path));
    } catch (error) {
      this.told.value = note(error);
    }
  }

  /** @param {Scheme} scheme */
  adopt(scheme) {
    this.scheme.value = scheme;
    this.step.value = scheme.step;
    this.lines.value = shown(flatten(scheme.nodes));
    if (!this.lines.value.length) this.lines.value = [line(0)];
    this.past.value = [];
    this.future.value = [];
    this.tried.value = false;
    this.told.value = nothing;
    this.keep();
  }

  /** What is shown is what is stored. */
  keep() {
    this.saved.value = JSON.stringify([this.lines.value, this.step.value]);
  }

  /**
   * One change that can be undone. Typing on in one field is one change.
   * @param {Line[]} lines
   * @param {string} [field]
   */
  edit(lines, field = "") {
    if (!field || field !== this.#typing) {
      this.past.value = [...this.past.value.slice(-UNDONE_AT_MOST), this.lines.value];
    }
    this.#typing = field;
    this.future.value = [];
    this.lines.value = settle(lines.map((each) => ({ ...each })));
  }

  /** @param {1 | -1} way */
  undo(way = -1) {
    const [from, to] = way < 0 ? [this.past, this.future] : [this.future, this.past];
    const lines = from.value.at(-1);
    if (!lines) return;
    to.value = [...to.value, this.lines.value];
    from.value = from.value.slice(0, -1);
    this.lines.value = lines;
    this.#typing = "";
  }

  view() {
    if (!this.scheme.value) return html`<p class="quiet">${t("scheme.loading")}</p>${this.told.value}`;
    const lines = this.lines.value;
    const numbered = numbers(lines);
    return html`${this.bar()}<div class="told">${this.told.value}</div>
      <section class="panel scheme-rows" aria-label=${t("nav.scheme")} @keydown=${(/** @type {KeyboardEvent} */ event) => this.hotkey(event)}>
        <ol>${repeat(lines, (each) => each.id, (each, at) => this.row(each, at, numbered[at]))}</ol>
        <div class="scheme-foot">
          <button class="button" type="button" @click=${() => this.add(lines.length - 1, 0)}>${icon("plus")}${t("scheme.add_exercise")}</button>
          <button class="button" type="button" @click=${() => this.add(lines.length - 1)}>${icon("list-plus")}${t("scheme.add")}</button>
        </div>
      </section>
      <p class="keys">${[["↵", "enter"], ["Alt ←→", "level"], ["Alt ↑↓", "move"], ["↑↓", "step"], ["Ctrl Z", "undo"]].map(
        ([key, what]) => html`<span><kbd>${key}</kbd>${t(`scheme.key.${what}`)}</span>`)}<span>${t("scheme.key.paste")}</span></p>`;
  }

  bar() {
    const total = thousandths(this.getAttribute("total") ?? "");
    const all = sum(this.lines.value);
    const gap = all - total;
    const right = gap === 0 && !this.wrong.value.size;
    const told = Number.isNaN(all) ? t("scheme.sum.unknown") : gap === 0 ? t("scheme.sum.right")
      : n(gap > 0 ? "scheme.sum.over" : "scheme.sum.under", Math.abs(gap) / 1000, { points: points(written(Math.abs(gap))) });
    return html`<div class="editor-bar">
      <p class="sum ${gap === 0 ? "right" : "wrong"}" role="status"><strong>${Number.isNaN(all) ? "?" : points(written(all))}</strong>
        <span>/ ${points(written(total))}</span><span class="gap">${told}</span></p>
      <div class="acts">
        <button class="plain" type="button" title=${t("scheme.undo")} aria-label=${t("scheme.undo")} ?disabled=${!this.past.value.length} @click=${() => this.undo()}>${icon("undo")}</button>
        <button class="plain" type="button" title=${t("scheme.redo")} aria-label=${t("scheme.redo")} ?disabled=${!this.future.value.length} @click=${() => this.undo(1)}>${icon("redo-2")}</button>
        <label class="button small">${icon("file-up")}${t("scheme.csv.in")}<input class="unseen" type="file" accept=".csv,text/csv,text/plain" @change=${(/** @type {Event} */ event) => this.readFile(event)}></label>
        <a class="button small" href="/api/v1${this.path}.csv" download>${icon("download")}${t("scheme.csv.out")}</a>
        <label class="step-choice"><span class="unseen">${t("scheme.step.choose")}</span>
          <select class="input" .value=${live(this.step.value)} @change=${(/** @type {any} */ event) => { this.step.value = event.target.value; }}>
          ${[...new Set([...STEPS, this.step.value])].map((step) => html`<option value=${step} ?selected=${step === this.step.value}>${t("scheme.step", { step: points(step) })}</option>`)}</select></label>
        <button class="button solid" type="button" aria-busy=${String(this.busy.value)} ?disabled=${!this.changed.value || this.busy.value} @click=${() => this.save()}>${icon("save")}${t("act.save")}</button>
      </div>
      ${right || !this.tried.value ? nothing : html`<p class="unseen" role="alert">${told}</p>`}
    </div>`;
  }

  /** @param {Line} each @param {number} at @param {string} number */
  row(each, at, number) {
    const lines = this.lines.value;
    const branch = isBranch(lines, at);
    const wrong = this.tried.value || each.points ? this.wrong.value.get(each.id) : undefined;
    const landing = this.landing.value;
    const kind = [branch ? "branch" : "", each.level === 0 ? "top" : "", landing?.at === at ? "landing" : "",
      landing && at >= landing.from && at < endOf(lines, landing.from) ? "dragged" : ""].join(" ");
    const tool = (/** @type {string} */ name, /** @type {() => void} */ act, disabled = false) => html`<button class="plain" type="button"
      title=${t(`scheme.${name}`)} aria-label=${t(`scheme.${name}.of`, { number })} ?disabled=${disabled} @click=${act}>${icon(name)}</button>`;
    const change = (/** @type {Partial<Line>} */ what, field = "") => this.edit(lines.map((one) => one === each ? { ...one, ...what } : one), field && each.id + field);
    const stored = this.scheme.value?.version && JSON.parse(this.saved.value)[0].some((/** @type {Line} */ one) => one.id === each.id);
    return html`<li class="scheme-row ${kind}" data-id=${each.id} ${styled({ "--depth": landing?.at === at ? landing.level : each.level })}>
      <button class="plain grip" type="button" title=${t("scheme.drag")} aria-label=${t("scheme.drag.of", { number })}
        @pointerdown=${(/** @type {PointerEvent} */ event) => dragging(event, this, at)}
        @keydown=${(/** @type {KeyboardEvent} */ event) => this.nudge(event, at, true)}>${icon("grip-vertical")}</button>
      <div class="name"><span class="number" aria-hidden="true">${number}</span>
        <input class="input label" .value=${live(each.label)} maxlength="200" placeholder=${t("scheme.placeholder")} aria-label=${t("scheme.label", { number })}
          aria-invalid=${String(wrong === "no_label")}
          @input=${(/** @type {any} */ event) => change({ label: event.target.value }, "label")}
          @keydown=${(/** @type {KeyboardEvent} */ event) => this.key(event, at)}
          @paste=${(/** @type {ClipboardEvent} */ event) => this.paste(event, at)}></div>
      ${branch ? html`<span class="subtotal"><span class="unseen">${t("scheme.subtotal", { number })} : </span>${subtotal(lines, at)}</span><span></span>` : html`
        <div class="worth">
          <button class="step" type="button" tabindex="-1" aria-label=${t("scheme.less", { number })} @click=${() => this.stepBy(at, -1)}>${icon("minus")}</button>
          <input class="input points" .value=${live(each.points)} inputmode="decimal" aria-label=${t("scheme.points", { number })} aria-invalid=${String(Boolean(wrong && wrong !== "no_label"))}
            @input=${(/** @type {any} */ event) => change({ points: event.target.value }, "points")}
            @keydown=${(/** @type {KeyboardEvent} */ event) => this.key(event, at)}>
          <button class="step" type="button" tabindex="-1" aria-label=${t("scheme.more", { number })} @click=${() => this.stepBy(at, 1)}>${icon("plus")}</button></div>
        <label class="bonus"><input type="checkbox" .checked=${live(each.bonus)} @change=${(/** @type {any} */ event) => change({ bonus: event.target.checked })}>${t("scheme.bonus")}<span class="unseen"> ${number}</span></label>`}
      <div class="tools">
        ${branch ? nothing : html`<button class="plain" type="button" title=${t(stored ? "scheme.comments" : "scheme.comments.later")} aria-label=${t("scheme.comments.of", { number })} ?disabled=${!stored}
          aria-expanded=${String(this.commented.value === each.id)} @click=${() => { this.commented.value = this.commented.value === each.id ? "" : each.id; }}>${icon("message-square-text")}</button>`}
        ${tool("outdent", () => this.shift(at, -1), each.level === 0)}
        ${tool("indent", () => this.shift(at, 1), !this.deeper(at))}
        ${tool("trash", () => this.removeLine(at), lines.length === 1)}
      </div>
      ${wrong ? html`<p class="trouble" role="alert">${t(`scheme.wrong.${wrong}`, { step: points(this.step.value) })}</p>` : nothing}
    </li>${this.commented.value === each.id && stored ? html`<li><scheme-comments exam=${this.getAttribute("exam")} item=${each.id}></scheme-comments></li>` : nothing}`;
  }

  /** @param {KeyboardEvent} event */
  hotkey(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    this.undo(key === "y" || event.shiftKey ? 1 : -1);
  }

  /** Move by keys: with Alt in the fields, without on the grip. @param {KeyboardEvent} event @param {number} at @param {boolean} plain */
  nudge(event, at, plain) {
    if (!plain && !event.altKey) return false;
    /** @type {Record<string, () => void>} */
    const acts = { ArrowRight: () => this.shift(at, 1), ArrowLeft: () => this.shift(at, -1), ArrowUp: () => this.move(at, -1), ArrowDown: () => this.move(at, 1) };
    if (!acts[event.key]) return false;
    event.preventDefault();
    acts[event.key]();
    return true;
  }

  /** @param {KeyboardEvent} event @param {number} at */
  key(event, at) {
    if (event.isComposing || event.ctrlKey || event.metaKey || this.nudge(event, at, false)) return;
    const input = /** @type {HTMLInputElement} */ (event.target);
    const inPoints = input.classList.contains("points");
    /** @type {Record<string, () => void>} */
    const acts = {
      Enter: () => this.add(at),
      ArrowUp: () => inPoints ? this.stepBy(at, 1) : this.focusOn(at - 1),
      ArrowDown: () => inPoints ? this.stepBy(at, -1) : this.focusOn(at + 1),
    };
    if (event.key === "Backspace" && !inPoints && !input.value && this.lines.value.length > 1) acts.Backspace = () => this.removeLine(at);
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** @param {number} at @param {1 | -1} by */
  stepBy(at, by) {
    const each = this.lines.value[at];
    const step = thousandths(this.step.value);
    const value = Math.max(0, (Math.round((thousandths(each.points) || 0) / step) + by) * step);
    this.edit(this.lines.value.map((one) => one === each ? { ...one, points: points(written(value)) } : one), each.id + "step");
  }

  /** @param {number} at @param {number} [level] */
  add(at, level) {
    const lines = this.lines.value;
    const added = line(level ?? (isBranch(lines, at) ? lines[at].level + 1 : lines[at].level));
    const place = level === 0 ? lines.length : at + 1;
    this.edit([...lines.slice(0, place), added, ...lines.slice(place)]);
    this.focusOn(place);
  }

  /** @param {number} at */
  removeLine(at) {
    this.edit(this.lines.value.filter((_, each) => each !== at));
    this.focusOn(Math.max(0, at - 1));
  }

  /** @param {number} at */
  deeper(at) {
    const lines = this.lines.value;
    return at > 0 && lines[at].level <= lines[at - 1].level && lines[at].level < DEEPEST;
  }

  /** A line takes what is below it along. @param {number} at @param {1 | -1} by */
  shift(at, by) {
    if (by > 0 ? !this.deeper(at) : this.lines.value[at].level === 0) return;
    this.edit(moved(this.lines.value, at, at, this.lines.value[at].level + by));
  }

  /** Past the line of the same level before or behind. @param {number} at @param {1 | -1} by */
  move(at, by) {
    const lines = this.lines.value;
    const level = lines[at].level;
    const end = endOf(lines, at);
    let to = by < 0 ? at - 1 : end < lines.length && lines[end].level === level ? endOf(lines, end) : -1;
    if (by < 0) while (to >= 0 && lines[to].level > level) to -= 1;
    if (to < 0 || (by < 0 && lines[to].level !== level)) return;
    this.drop(at, to, level);
  }

  /** @param {number} at @param {number} to @param {number} level */
  drop(at, to, level) {
    const held = document.activeElement;
    this.edit(moved(this.lines.value, at, to, level));
    queueMicrotask(() => held instanceof HTMLElement && held.isConnected && held.focus());
  }

  /** After the drawing that the change asked for, and before the next key: who types fast does not wait. @param {number} at */
  focusOn(at) {
    const wanted = this.lines.value[Math.max(0, Math.min(at, this.lines.value.length - 1))];
    queueMicrotask(() => /** @type {HTMLElement | null} */ (this.querySelector(`[data-id="${CSS.escape(wanted.id)}"] .label`))?.focus());
  }

  /** @param {ClipboardEvent} event @param {number} at */
  paste(event, at) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[\n;\t]/.test(text.trim())) return;
    event.preventDefault();
    const lines = this.lines.value;
    const pasted = parse(text, newId).map((each) => ({ ...each, level: each.level + lines[at].level }));
    const place = lines[at].label ? at + 1 : at;
    this.edit([...lines.slice(0, place), ...pasted, ...lines.slice(at + 1)]);
    this.focusOn(place + pasted.length - 1);
  }

  /** @param {Event} event */
  async readFile(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const file = input.files?.[0];
    input.value = "";
    if (!file) return;
    const form = new FormData();
    form.append("file", file);
    try {
      const { nodes, errors } = await call("POST", `${this.path}/csv`, form);
      if (errors.length) this.told.value = wrongRows(file.name, errors);
      else {
        this.edit(shown(flatten(nodes)));
        this.told.value = nothing;
        say(t("scheme.csv.read", { file: file.name }), "ok", { text: t("scheme.undo"), run: () => this.undo() });
      }
    } catch (error) {
      this.told.value = note(error);
    }
  }

  async save() {
    this.tried.value = true;
    const kept = this.lines.value.filter((each) => each.label.trim() || each.points.trim());
    if (kept.length && kept.length < this.lines.value.length) this.edit(kept);
    if (this.wrong.value.size) {
      const first = this.lines.value.findIndex((each) => this.wrong.value.has(each.id));
      return this.focusOn(first);
    }
    this.busy.value = true;
    this.told.value = nothing;
    try {
      await this.store(/** @type {Scheme} */ (this.scheme.value).version);
    } catch (error) {
      const current = /** @type {any} */ (error).document?.current;
      this.told.value = current?.nodes ? this.conflict(current) : note(error);
    }
    this.busy.value = false;
  }

  /** Tell what it means for marking that has begun, then store. @param {number} version the one that is replaced */
  async store(version) {
    const body = { nodes: nest(this.lines.value.map((each) => ({ ...each }))), step: this.step.value, ...(version ? { version } : {}) };
    const { impact } = await call("PUT", `${this.path}?dry_run=true`, body);
    if (impact.marked_copies) {
      const review = impact.affected_copies ? n("scheme.impact.affected", impact.affected_copies) : t("scheme.impact.none");
      if (!(await confirmed(`${n("scheme.impact.marked", impact.marked_copies)} ${review} ${t("scheme.impact.ask")}`))) return;
    }
    this.scheme.value = await call("PUT", this.path, body);
    this.keep();
    this.tried.value = false;
    say(t("scheme.saved", { version: /** @type {Scheme} */ (this.scheme.value).version }));
  }

  /** @param {Scheme} theirs */
  conflict(theirs) {
    const mine = async () => {
      this.scheme.value = theirs;
      await this.save();
    };
    return html`<div class="note warn" role="alert">${icon("alert")}<div><p>${t("scheme.conflict", { version: theirs.version })}</p>
      <p class="quiet">${t("scheme.conflict.theirs", { lines: flatten(theirs.nodes).length, mine: this.lines.value.length })}</p>
      <p class="acts"><button class="button small" type="button" @click=${() => this.adopt(theirs)}>${t("conflict.theirs")}</button>
        <button class="button small" type="button" @click=${mine}>${t("conflict.mine")}</button></p></div></div>`;
  }
}

/** @param {number} level @returns {Line} */
function line(level) {
  return { id: newId(), level, label: "", points: "", bonus: false };
}

/** Points as the reader writes them. @param {Line[]} lines */
function shown(lines) {
  return lines.map((each) => ({ ...each, points: points(each.points) }));
}

/** @param {Line[]} lines @param {number} at */
function subtotal(lines, at) {
  const value = sum(lines, at);
  return Number.isNaN(value) ? "?" : points(written(value));
}

/** @param {string} file @param {{row: number, field: string, value: string, reason: string}[]} errors */
function wrongRows(file, errors) {
  return html`<section class="panel" role="alert"><h2>${n("scheme.csv.wrong", errors.length, { file })}</h2><p class="quiet">${t("scheme.csv.help")}</p>
    <div class="scroll rows-wrong" tabindex="0" role="region" aria-label=${t("roster.rows")}><table>
      <thead><tr><th>${t("roster.row")}</th><th>${t("roster.field")}</th><th>${t("roster.value")}</th><th>${t("roster.reason")}</th></tr></thead>
      <tbody>${errors.slice(0, 100).map((each) => html`<tr><td>${each.row}</td><td>${known(`scheme.csv.field.${each.field}`, each.field)}</td><td>${each.value || "–"}</td><td class="why">${known(`scheme.csv.reason.${each.reason}`, each.reason)}</td></tr>`)}</tbody>
    </table></div></section>`;
}

customElements.define("scheme-editor", SchemeEditor);
