/** The reader's language: texts from the same catalogue the server uses, numbers and moments as one writes them. */

export const language = document.documentElement.lang || "fr";

const address = document.querySelector('meta[name="catalogue"]').content;
const texts = await (await fetch(address)).json();
const plural = new Intl.PluralRules(language);
const moment = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });

/**
 * @param {string} key
 * @param {Record<string, any>} [values] for `{name}` in the text
 */
export function t(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** `key` for a number of things. */
export function n(key, count, values = {}) {
  const form = plural.select(count) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { n: count, ...values });
}

/** The text of `key`, or `otherwise` for a code this catalogue does not know. */
export function known(key, otherwise, values = {}) {
  return key in texts ? t(key, values) : otherwise;
}

/** For searching: accents and case make no difference. @param {string} text */
export const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** @param {string} decimal as the API writes it */
export function points(decimal) {
  return language === "fr" ? decimal.replace(".", ",") : decimal;
}

/** @param {string} instant RFC 3339 */
export function localMoment(instant) {
  return moment.format(new Date(instant));
}

const longDay = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });

/** @param {string} date YYYY-MM-DD, of no time zone */
export function day(date) {
  return longDay.format(new Date(`${date}T00:00:00Z`));
}
