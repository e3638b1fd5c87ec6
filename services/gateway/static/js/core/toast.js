// @ts-check
/** Short messages at the foot of the page, over everything, heard by screen readers. */
import { Problem } from "./api.js";
import { Island, html, icon, nothing, repeat, signal } from "./island.js";
import { t } from "./words.js";

/** @typedef {"ok" | "warn" | "bad"} Kind */
/** @typedef {{text: string, run: () => void}} Act */
/** @typedef {{id: number, text: string, kind: Kind, act: Act | undefined}} Toast */

// Long enough to read two lines and to reach for an act (WCAG 2.2.1 lets the pointer or focus hold it).
const READ_MS = 6_000;
const ACT_MS = 12_000;
const PICTURES = { ok: "circle-check", warn: "triangle-alert", bad: "circle-alert" };

class Toasts extends Island {
  #serial = 0;
  #held = false;
  /** @type {Map<number, number>} */
  #timers = new Map();
  toasts = signal(/** @type {Toast[]} */ ([]));

  setup() {
    this.setAttribute("popover", "manual"); // above dialogues, too
    this.setAttribute("aria-live", "polite");
    for (const [name, held] of /** @type {[string, boolean][]} */ ([
      ["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false],
    ])) {
      this.addEventListener(name, () => this.#hold(held));
    }
  }

  /** @param {string} text @param {Kind} kind @param {Act} [act] */
  add(text, kind, act) {
    const toast = { id: ++this.#serial, text, kind, act };
    this.toasts.value = [...this.toasts.value.slice(-2), toast];
    if (this.matches(":popover-open")) this.hidePopover();
    this.showPopover();
    this.#time(toast);
  }

  /** @param {number} id */
  dismiss(id) {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.toasts.value = this.toasts.value.filter((toast) => toast.id !== id);
    if (this.toasts.value.length === 0) this.hidePopover();
  }

  /** What went wrong stays until it is closed. @param {Toast} toast */
  #time({ id, kind, act }) {
    if (kind === "bad" || this.#held) return;
    this.#timers.set(id, window.setTimeout(() => this.dismiss(id), act ? ACT_MS : READ_MS));
  }

  /** @param {boolean} held */
  #hold(held) {
    this.#held = held;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const toast of this.toasts.value) this.#time(toast);
  }

  view() {
    return repeat(this.toasts.value, (toast) => toast.id, (toast) => this.#toast(toast));
  }

  /** @param {Toast} toast */
  #toast({ id, text, kind, act }) {
    const run = () => {
      this.dismiss(id);
      act?.run();
    };
    return html`<div class="toast ${kind}" role=${kind === "bad" ? "alert" : nothing}>
      ${icon(PICTURES[kind])}<span>${text}</span>
      ${act ? html`<button class="button small" @click=${run}>${act.text}</button>` : nothing}
      <button class="plain" title=${t("frame.close")} @click=${() => this.dismiss(id)}>
        ${icon("x")}<span class="unseen">${t("frame.close")}</span>
      </button>
    </div>`;
  }
}

customElements.define("toast-stack", Toasts);
const stack = /** @type {Toasts} */ (document.createElement("toast-stack"));
document.body.append(stack);

/**
 * Tell something that needs no answer.
 * @param {string} text
 * @param {Kind} [kind] `bad` stays until it is closed
 * @param {Act} [act] such as undoing it
 */
export function say(text, kind = "ok", act) {
  stack.add(text, kind, act);
}

/** Tell what went wrong where no better place is; a defect of this page goes on to the console. @param {unknown} error */
export function told(error) {
  if (!(error instanceof Problem)) throw error;
  say(error.message, "bad");
}
