// @ts-check
/**
 * Points as whole thousandths: the API sends decimal strings with at most three decimals, and a float would round a
 * mark. `"1.25"` is 1250.
 */
import { points } from "../core/words.js";

/** What the API wrote, or a person (`1,25`, `1.25`, ` .5`); null for nothing, NaN for what is no number. @param {string} text */
export function read(text) {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  if (plain === "") return null;
  return /^[-+]?(\d+\.?\d{0,3}|\.\d{1,3})$/.test(plain) ? Math.round(Number(plain) * 1000) : NaN;
}

/** As the API takes it. @param {number} amount */
export const decimal = (amount) => String(amount / 1000);

/** As a person of this language writes it. @param {number} amount */
export const shown = (amount) => points(decimal(amount));

/** With its sign: `+0,5`, `−0,5`. @param {number} amount */
export const signed = (amount) => (amount < 0 ? `−${shown(-amount)}` : `+${shown(amount)}`);

/**
 * What is wrong with a score, or null. @param {number} amount
 * @param {number} most @param {number} step
 * @returns {"unreadable" | "high" | "step" | null}
 */
export function wrong(amount, most, step) {
  if (Number.isNaN(amount) || amount < 0) return "unreadable";
  if (amount > most) return "high";
  return amount % step ? "step" : null;
}

/**
 * The values offered as chips: every step while they are few, else every half point or point; always 0 and the most.
 * @param {number} most @param {number} step
 */
export function chips(most, step) {
  const gap = [step, 500, 1000, 2000, 5000].find((each) => each >= step && each % step === 0 && most / each <= 8) ?? most;
  const values = [];
  for (let value = 0; value < most; value += gap) values.push(value);
  return [...values, most];
}
