// @ts-check
/**
 * What an island is made of: lit-html draws it, signals say when. The only module that names what is vendored.
 *
 *     class Counter extends Island {
 *       setup() { this.count = signal(0); }
 *       view() { return html`<button @click=${() => this.count.value++}>${this.count.value}</button>`; }
 *     }
 *     customElements.define("x-counter", Counter);
 */
import { Directive, directive } from "../../vendor/lit-html/directive.js";
import { html, noChange, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { effect, signal } from "../../vendor/signals-core.js";

export { html, nothing, render, svg } from "../../vendor/lit-html/lit-html.js";
export { repeat } from "../../vendor/lit-html/directives/repeat.js";
export { batch, computed, effect, signal, untracked } from "../../vendor/signals-core.js";

/** @template T @typedef {import("../../vendor/signals-core.js").Signal<T>} Signal */
/** @template T @typedef {import("../../vendor/signals-core.js").ReadonlySignal<T>} ReadonlySignal */

/** A custom element in the page itself (no shadow) that is drawn again when a signal that `view()` read has changed. */
export class Island extends HTMLElement {
  #begun = false;
  #stop = () => {};

  connectedCallback() {
    this.setup();
    // What the server put here was for the time before; `setup()` could still read it.
    if (!this.#begun) this.replaceChildren();
    this.#begun = true;
    this.#draw();
  }

  disconnectedCallback() {
    this.#stop();
    this.teardown();
  }

  /** Draws now, and once more at the end of the task in which anything it read changed. */
  #draw() {
    this.#stop();
    let drawn = false;
    this.#stop = effect(() => {
      if (drawn) queueMicrotask(() => this.isConnected && this.#draw());
      else render(this.view(), this);
      drawn = true;
    });
  }

  /** Before the first drawing, each time the element enters a page. */
  setup() {}

  /** @returns {unknown} a template */
  view() {
    return nothing;
  }

  /** When the element leaves the page: end timers, effects and listeners begun in `setup()`. */
  teardown() {}
}

class Styled extends Directive {
  /** @param {Record<string, string | number>} _ */
  render(_) {
    return nothing;
  }

  /**
   * @param {any} part of the element
   * @param {[Record<string, string | number>]} properties
   */
  update(part, [properties]) {
    for (const [name, value] of Object.entries(properties)) part.element.style.setProperty(name, String(value));
    return nothing;
  }
}

/** `<i ${styled({"--share": 0.4})}>`: CSS properties and variables. The CSP allows no style attribute, but this. */
export const styled = directive(Styled);

class Given extends Directive {
  /** @param {(element: HTMLElement) => void} _ */
  render(_) {
    return nothing;
  }

  /** @param {any} part @param {[(element: HTMLElement) => void]} take */
  update({ element }, [take]) {
    if (element !== this.element) take(element);
    this.element = element;
    return nothing;
  }
}

/** `<ul ${given((list) => …)}>`: the element, once, when it is made. */
export const given = directive(Given);

class Live extends Directive {
  /** @param {unknown} value */
  render(value) {
    return value;
  }

  /** @param {any} part of a property @param {[unknown]} value */
  update({ element, name }, [value]) {
    if (element[name] !== value) element[name] = value;
    return noChange;
  }
}

/** `.value=${live(text)}`: compared with what is in the field, which people change, not with what was drawn last. */
export const live = directive(Live);

const sprite = /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="icons"]'))?.content ?? "";

/** @param {string} name a symbol of icons.svg: one of Lucide's, or ours (requirements/web/kept.toml) */
export function icon(name) {
  return html`<svg class="icon" aria-hidden="true"><use href="${sprite}#${name}"></use></svg>`;
}

/**
 * A signal whose value this browser remembers, in all pages. Without storage (private window, full) it lasts a page.
 * @template T
 * @param {string} name
 * @param {T} initial what JSON can hold
 */
export function preference(name, initial) {
  const key = `korrigo.${name}`;
  const kept = signal(remembered(key, initial));
  let first = true;
  effect(() => {
    const text = JSON.stringify(kept.value);
    if (first) first = false;
    else remember(key, text);
  });
  return kept;
}

/** @template T @param {string} key @param {T} initial @returns {T} */
function remembered(key, initial) {
  try {
    const text = localStorage.getItem(key);
    return text === null ? initial : JSON.parse(text);
  } catch (error) {
    console.warn(`${key} cannot be read`, error);
    return initial;
  }
}

/** @param {string} key @param {string} text */
function remember(key, text) {
  try {
    localStorage.setItem(key, text);
  } catch (error) {
    console.warn(`${key} cannot be kept`, error);
  }
}
