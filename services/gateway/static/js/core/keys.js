// @ts-check
/**
 * Keys that do something, which people may change or switch off (WCAG 2.1.4).
 *
 * A chord is written `mod+shift+p`: `mod` is Ctrl or ⌘. Digits are told by where they are, so AZERTY needs no Shift;
 * letters by what is printed on them, or by where they are on a keyboard without Latin letters.
 */
import { computed, preference } from "./island.js";

/** @typedef {{id: string, keys: string[], group: string}} Command  `keys`: the chords it has until somebody changes them */

/** @param {KeyboardEvent} event  @returns {string} "" for a key that is no chord by itself */
export function chord(event) {
  const key = event.key.toLowerCase();
  if (event.isComposing || ["dead", "process", "control", "shift", "alt", "altgraph", "meta"].includes(key)) return "";
  const mod = event.ctrlKey || event.metaKey ? "mod+" : "";
  const alt = event.altKey ? "alt+" : "";
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (digit) return `${mod}${alt}${digit}`;
  const place = /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase();
  const name = place && !/^[\x20-\x7f]$/.test(key) ? place : key === " " ? "space" : key;
  const shift = event.shiftKey && (name.length > 1 || /[a-z]/.test(name)) ? "shift+" : "";
  return `${mod}${alt}${shift}${name}`;
}

/** Whether a chord is one printable key alone, which speech input may press by accident. @param {string} name */
export const single = (name) => name.replace("shift+", "").length === 1;

export class Keys {
  /** @param {string} name of the preferences @param {Command[]} commands */
  constructor(name, commands) {
    this.commands = commands;
    /** Whether single keys work. */
    this.on = preference(`${name}.on`, true);
    this.changed = preference(`${name}.changed`, /** @type {Record<string, string[]>} */ ({}));
    this.byChord = computed(() => new Map(commands.flatMap(({ id }) => this.of(id).map((key) => [key, id]))));
  }

  /** The chords of a command; none when it was switched off. @param {string} id  @returns {string[]} */
  of(id) {
    return this.changed.value[id] ?? this.commands.find((each) => each.id === id)?.keys ?? [];
  }

  /**
   * Give a command one chord, or none; another one that had it loses it.
   * @param {string} id @param {string} key "" switches the command's keys off
   */
  assign(id, key) {
    const before = key && this.byChord.value.get(key);
    const without = before && before !== id ? { [before]: this.of(before).filter((each) => each !== key) } : {};
    this.changed.value = { ...this.changed.value, ...without, [id]: key ? [key] : [] };
  }

  reset() {
    this.changed.value = {};
    this.on.value = true;
  }

  /**
   * The command of a key, if it is meant for one: where text is typed only chords with Ctrl, and Escape.
   * @param {KeyboardEvent} event  @returns {string | undefined}
   */
  command(event) {
    const name = chord(event);
    const target = /** @type {HTMLElement} */ (event.target);
    if (!name || (single(name) && !this.on.value)) return undefined;
    if (target.closest("textarea, select, [contenteditable], input:not([data-score], [type=checkbox])") && !/^(mod\+|escape)/.test(name)) {
      return undefined;
    }
    if (/^(enter|space)$/.test(name) && target.closest("button, a, summary, input[type=checkbox]")) return undefined;
    return this.byChord.value.get(name);
  }
}
