// @ts-check
/** One's copies of this exam: which comes next, and which are left. Known after the desk is drawn, not before. */
import { all } from "../core/api.js";
import { computed, signal } from "../core/island.js";
import * as S from "./store.js";

const FINISHED = ["GRADED", "GRADING_IN_PROGRESS"];

/** @typedef {{id: string, anonymous_id: string, status: string, page_count: number, paper_revision: number, lock: {owner_id: string} | null}} Summary */

export const copies = signal(/** @type {Summary[]} */ ([]));

/** @param {string} exam */
export async function load(exam) {
  const found = await all(`/exams/${exam}/copies`);
  copies.value = found.sort((a, b) => a.anonymous_id.localeCompare(b.anonymous_id, undefined, { numeric: true }));
}

/** The copy after this one that nobody has finished or holds; from the first again after the last. */
export const nextUnmarked = computed(() => {
  const here = copies.value.findIndex((copy) => copy.id === S.desk.value?.copy.id);
  const after = [...copies.value.slice(here + 1), ...copies.value.slice(0, Math.max(0, here))];
  const mine = S.place.dataset.user;
  return after.find((copy) => !FINISHED.includes(copy.status) && (!copy.lock || copy.lock.owner_id === mine))?.id ?? null;
});

export const left = computed(() => copies.value.filter((copy) => !FINISHED.includes(copy.status)).length);

/** What the desk was told, until the pile is known. */
export const done = computed(() => (copies.value.length ? copies.value.length - left.value : (S.desk.value?.done ?? 0)));

/** @param {string} id */
export function finished(id) {
  copies.value = copies.value.map((copy) => (copy.id === id ? { ...copy, status: "GRADING_IN_PROGRESS" } : copy));
}

/** Ask for a copy's first pages before they are wanted. @param {string | null} id */
export function preload(id) {
  const copy = copies.peek().find((each) => each.id === id);
  for (let page = 1; copy && page <= Math.min(2, copy.page_count); page++) {
    new Image().src = `/api/v1/copies/${copy.id}/pages/${page}?size=screen&v=${copy.paper_revision}`;
  }
}
