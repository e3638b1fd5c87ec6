// @ts-check
/** Finding somebody by what is typed: any parts, in any order, accents and case aside. */
import { folded } from "../core/words.js";

/** @param {string} typed  @returns {string[]} */
export function words(typed) {
  return folded(typed.trim()).split(/\s+/).filter(Boolean);
}

/**
 * @param {{last_name: string, first_name: string, class?: string, ine?: string | null}} person
 * @param {string[]} typed
 */
export function fits(person, typed) {
  const said = folded(`${person.last_name} ${person.first_name} ${person.class ?? ""} ${person.ine ?? ""}`);
  return typed.every((part) => said.includes(part));
}
