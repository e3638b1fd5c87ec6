// @ts-check
/** <marking-desk>: the top bar, the copy in one scroll, and what the keys do. The server drew the first frame. */
import { Problem } from "../core/api.js";
import { Island, effect, html, icon, nothing, repeat, signal } from "../core/island.js";
import { chord } from "../core/keys.js";
import { n, t } from "../core/words.js";
import { spot } from "./bank.js";
import { button, keys } from "./commands.js";
import { edit, shift } from "./page.js";
import { name } from "./panel.js";
import * as pile from "./pile.js";
import * as S from "./store.js";
import { say, told } from "../core/toast.js";

const NUDGE = 5; // thousandths of the width that an arrow key moves a mark
/** @type {Record<import("./types.js").SyncState, [string, string]>} */
const SAVED = {
  saved: ["cloud-check", "ok"], saving: ["loader-circle", "busy"], offline: ["cloud-off", "warn"], conflict: ["cloud-alert", "bad"],
  "lost-lock": ["lock", "warn"], "storage-full": ["cloud-alert", "bad"],
};

// Not needed for the first score. The others come when they are asked for.
const UNASKED = ["hand", "toolbar", "thumbs", "composer"];

class MarkingDesk extends Island {
  busy = signal(false);

  setup() {
    document.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("finish", () => this.finish());
    this.addEventListener("compose", () => this.compose());
    this.addEventListener("item-done", () => this.go(S.desk.peek()?.next ?? null));
    this.addEventListener("page", (event) => this.toPage(/** @type {CustomEvent} */ (event).detail));
    addEventListener("popstate", () => this.show(location.pathname.split("/")[2], false));
    addEventListener("beforeunload", (event) => {
      this.panel?.settleAll();
      if (S.sync.pending.peek() && S.sync.state.peek() === "storage-full") event.preventDefault();
    });
    effect(() => this.style.setProperty("--zoom", String(S.zoom.value)));
    effect(() => {
      if (S.peeking.value) void this.asked("peek");
    });
    effect(() => {
      if (S.paced.value) void this.asked("pace");
    });
    effect(() => {
      const { left, role, state } = S.sync; // read all: when loading fails without a network, the next change tries again
      if ([!["saved", "saving", "offline"].includes(state.value), role.value === "watching", left.value.length].some(Boolean)) void this.asked("banners");
    });
    requestAnimationFrame(() => this.drawn());
  }

  /** Everything that can wait until one sees the copy. */
  drawn() {
    performance.mark("desk-ready");
    const stage = /** @type {HTMLElement} */ (this.querySelector(".stage"));
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      S.setZoom(S.zoom.peek() * (event.deltaY < 0 ? 1.08 : 1 / 1.08));
    }, { passive: false });
    const watch = new IntersectionObserver((seen) => {
      const page = seen.findLast((each) => each.isIntersecting)?.target;
      if (page instanceof HTMLElement) S.pageInView.value = Number(page.dataset.n);
    }, { root: stage, rootMargin: "-45% 0px -45% 0px" });
    effect(() => {
      S.desk.value;
      queueMicrotask(() => {
        watch.disconnect();
        for (const page of this.querySelectorAll("mark-page")) watch.observe(page);
      });
    });
    void pile.load(S.desk.peek()?.exam.id ?? "").then(() => this.ahead(), told);
    // Not when they are wanted: that may be when there is no network.
    for (const module of UNASKED) void import(`./${module}.js`);
  }

  get panel() {
    return /** @type {any} */ (this.querySelector("score-panel"));
  }

  /** The copy that one goes to from here. */
  get following() {
    return S.byItem.value ? (S.desk.value?.next ?? null) : (pile.nextUnmarked.value ?? S.desk.value?.next ?? null);
  }

  /** Make the next copy come at once. */
  ahead() {
    const next = this.following;
    if (!next) return;
    S.sync.prefetch(next, S.byItem.peek() ? { item: S.byItem.peek() } : {});
    pile.preload(next);
  }

  /** @param {string | null} id */
  async go(id) {
    if (id) return this.show(id, true);
    say(t(S.byItem.peek() ? "desk.item_done" : "desk.all_done"));
    return undefined;
  }

  /** @param {string} id @param {boolean} push */
  async show(id, push) {
    if (this.busy.peek() || !this.panel.settleAll()) return;
    this.busy.value = true;
    performance.mark("go");
    try {
      await S.open(id);
      if (push) history.pushState({}, "", `/copies/${id}/mark${S.byItem.peek() ? `?item=${encodeURIComponent(S.byItem.peek())}` : ""}`);
      document.title = `${t("copy.title", { id: S.desk.peek()?.copy.anonymous_id })} · Korrigo`;
      if (!S.byItem.peek()) this.querySelector(".stage")?.scrollTo(0, 0);
      requestAnimationFrame(() => performance.measure("next-copy", "go"));
      this.ahead();
    } catch (error) {
      told(error);
    } finally {
      this.busy.value = false;
    }
  }

  async finish() {
    if (!S.writable.peek() || this.busy.peek() || !this.panel.settleAll()) return;
    if (S.unmarked.peek().length) {
      if (await this.asked("finish")) /** @type {any} */ (this.querySelector("finish-card")).open();
      return;
    }
    const { copy } = /** @type {import("./types.js").Desk} */ (S.desk.peek());
    this.busy.value = true;
    try {
      await S.sync.finalise();
      pile.finished(copy.id);
      this.dispatchEvent(new CustomEvent("copy-finished"));
      say(t("desk.finished", { id: copy.anonymous_id }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(error.message, "bad");
      return;
    } finally {
      this.busy.value = false;
    }
    const next = this.following;
    if (next && next !== copy.id) await this.show(next, true);
    else location.assign(`/exams/${copy.exam_id}/copies`);
  }

  compose() {
    if (S.writable.peek()) S.composer.value = { ...spot(), item: S.active.peek(), text: "", delta: 0 };
  }

  /** @param {number} page */
  toPage(page) {
    const to = Math.max(1, Math.min(S.desk.peek()?.copy.page_count ?? 1, page));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.querySelector(`mark-page[data-n="${to}"]`)?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }

  /** Put the tool's mark where one is reading, and choose it so that the arrows move it. */
  here() {
    const type = S.tool.peek();
    if (!S.writable.peek() || type === "select" || type === "pen" || type === "eraser") return;
    if (type === "comment") return this.compose();
    const { page, y } = spot();
    const size = type === "tick" || type === "cross" ? {} : { w: 0.3, h: 0.025 };
    S.selected.value = S.add({ page, type, x: 0.35, y, colour: S.inkOf(type), ...size });
  }

  /** Choose the next mark, page by page from the top. */
  nextMark() {
    const marks = [...S.sync.marks.peek().annotations.values()].sort((a, b) => a.page - b.page || a.y - b.y);
    const at = marks.findIndex((mark) => mark.id === S.selected.peek());
    const mark = marks[(at + 1) % marks.length];
    if (!mark) return;
    S.selected.value = mark.id;
    if (mark.page !== S.pageInView.peek()) this.toPage(mark.page);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (document.querySelector("dialog[open]")) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const digit = /^\d$/.exec(chord(event))?.[0];
    if (digit && !target.closest("input, textarea, select")) {
      event.preventDefault();
      this.panel.type(digit);
      return;
    }
    const command = keys.command(event);
    const mark = S.sync.marks.peek().annotations.get(S.selected.peek());
    const arrow = { arrowup: [0, -1], arrowdown: [0, 1], arrowleft: [-1, 0], arrowright: [1, 0] }[chord(event).replace("shift+", "")];
    if (mark && arrow && S.writable.peek() && !target.closest("textarea, select")) {
      event.preventDefault();
      const by = NUDGE * (event.shiftKey ? 5 : 1);
      shift(mark, arrow[0] * by, arrow[1] * by, S.heightOf(mark.page));
      return;
    }
    if (!command) return;
    event.preventDefault();
    this.act(command, mark);
  }

  /** @param {string} command @param {import("./types.js").Annotation | undefined} mark the chosen one */
  act(command, mark) {
    if (command.startsWith("comment-")) return this.panel.putComment(Number(command.slice(8)) - 1);
    const page = S.pageInView.peek();
    const acts = /** @type {Record<string, () => unknown>} */ ({
      accept: () => (mark && mark.type !== "comment" && document.activeElement === document.body ? edit(mark) : this.panel.accept()),
      down: () => S.move(1), up: () => S.move(-1), remark: () => S.writable.peek() && this.panel.remarkOn(), appraisal: () => this.panel.appraisal(), finish: () => this.finish(),
      comment: () => this.compose(), here: () => this.here(),
      undo: S.undo, redo: S.redo, "next-mark": () => this.nextMark(), edit: () => mark && edit(mark), cancel: () => this.cancel(),
      delete: () => { if (mark) { S.erase([mark.id]); S.selected.value = ""; } },
      next: () => this.go(S.desk.peek()?.next ?? null), previous: () => this.go(S.desk.peek()?.previous ?? null), unmarked: () => this.go(this.following),
      peek: () => { S.peeking.value = !S.peeking.peek(); },
      "page-down": () => this.toPage(page + 1), "page-up": () => this.toPage(page - 1), "zoom-in": () => S.setZoom(S.zoom.peek() * S.ZOOM), "zoom-out": () => S.setZoom(S.zoom.peek() / S.ZOOM),
      fit: () => S.setZoom(1), dim: () => { S.dim.value = !S.dim.peek(); }, spread: () => { S.spread.value = !S.spread.peek(); }, help: () => this.help(),
    });
    const act = acts[command] ?? (() => S.writable.peek() && S.choose(/** @type {any} */ (command)));
    return act();
  }

  /** Escape: let go of what one has in hand, the last thing first. */
  cancel() {
    if (S.composer.peek()) S.composer.value = null;
    else if (S.armed.peek()) S.armed.value = null;
    else if (S.selected.peek()) S.selected.value = "";
    else if (S.tool.peek() !== "select") S.tool.value = "select";
    else S.peeking.value = false;
    this.panel.focusItem();
  }

  async help() {
    if (await this.asked("help")) /** @type {any} */ (this.querySelector("desk-help")).open();
  }

  /** Whether a module that is only loaded when it is asked for is there. @param {"banners" | "finish" | "help" | "pace" | "peek"} module */
  async asked(module) {
    try {
      await import(`./${module}.js`);
      return true;
    } catch (error) {
      console.warn(error);
      say(t("desk.not_loaded"), "warn");
      return false;
    }
  }

  /** @param {string} item "" for copy by copy */
  by(item) {
    S.byItem.value = item;
    history.replaceState({}, "", item ? `?item=${encodeURIComponent(item)}` : location.pathname);
    void this.show(S.desk.peek()?.copy.id, false);
  }

  /** A button for what is on or off. @param {string} command @param {string} picture @param {{value: boolean}} state */
  toggle(command, picture, state) {
    return button(t(`desk.${command}`), picture, () => { state.value = !state.value; }, { command, pressed: state.value, kind: `plain for-${command}` });
  }

  top() {
    const { copy, exam, previous, next, position, of } = /** @type {import("./types.js").Desk} */ (S.desk.value);
    const done = pile.done.value;
    const state = /** @type {import("./types.js").SyncState} */ (S.sync.state.value);
    const [picture, kind] = SAVED[state];
    const pending = S.sync.pending.value;
    const item = S.itemOf.value.get(S.byItem.value);
    return html`<header class="top">
      <a class="plain" href=${`/exams/${exam.id}/copies`} title=${t("desk.back")}>${icon("arrow-left")}<span class="unseen">${t("desk.back")}</span></a>
      <p class="exam">${exam.title}</p>
      <nav class="turn" aria-label=${t("nav.copies")}>${button(t("desk.previous"), "chevron-left", () => this.go(previous), { command: "previous", off: !previous })}
        <h1>${t("copy.title", { id: copy.anonymous_id })} <small>${position} / ${of}</small></h1>
        ${button(t("desk.next"), "chevron-right", () => this.go(next), { command: "next", off: !next })}</nav>
      <p class="done" title=${n("desk.done", done, { of })}><progress max=${of || 1} value=${done} aria-label=${n("desk.done", done, { of })}></progress><span aria-hidden="true">${done}/${of}</span></p>
      <div class="way" role="group" aria-label=${t("desk.way")}><button type="button" aria-pressed=${item ? "false" : "true"} @click=${() => this.by("")}>${t("desk.by_copy")}</button>
        <button type="button" aria-pressed=${item ? "true" : "false"} title=${t("desk.by_item.lead")} @click=${() => this.by(S.active.value)}>${item ? name(item) : t("desk.by_item")}</button></div>
      ${S.paced.value ? html`<own-pace left=${pile.left.value}></own-pace>` : nothing}
      <p class=${`saved ${kind}`} role="status" title=${pending ? n("desk.pending", pending) : ""}>${icon(picture)}<span>${t(`desk.state.${state}`)}</span>${pending && state !== "saving" ? html`<b>${pending}</b>` : nothing}</p>
      ${this.toggle("pace", "timer", S.paced)}${this.toggle("spread", "columns-2", S.spread)}${this.toggle("dim", "contrast", S.dim)}
      ${this.toggle("peek", "eye", S.peeking)}${button(t("desk.keys"), "keyboard", () => this.help(), { command: "help", kind: "plain for-help" })}</header>`;
  }

  view() {
    const copy = S.desk.value?.copy;
    return html`<a class="skip" href="#scheme">${t("desk.skip")}</a>${this.top()}
      <nav class="page-list" aria-label=${t("copy.pages")}><page-thumbs></page-thumbs></nav>
      <main id="main" class="stage" tabindex="0" aria-busy=${this.busy.value ? "true" : "false"}><div class=${`pages${S.spread.value ? " spread" : ""}`}>${repeat(copy.pages, (/** @type {any} */ page) => page.page_no, (/** @type {any} */ page) => html`<mark-page data-n=${page.page_no}></mark-page>`)}</div></main>
      <section class="tools" aria-label=${t("desk.tools")}><mark-tools></mark-tools></section>
      <aside id="scheme" class="scores-side" aria-label=${t("desk.scheme")}><score-panel></score-panel></aside>
      ${S.peeking.value ? html`<aside class="peek-side" aria-label=${t("desk.peek")}><copy-peek></copy-peek></aside>` : nothing}
      <div class="banners"><desk-banners></desk-banners></div><finish-card></finish-card><desk-help></desk-help>`;
  }
}

try {
  await S.open(S.place.dataset.copy ?? "");
  customElements.define("marking-desk", MarkingDesk);
} catch (error) {
  const { tell } = await import("../core/problem.js");
  tell(/** @type {HTMLElement} */ (document.querySelector(".first-panel") ?? S.place), error);
}
