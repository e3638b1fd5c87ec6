// @ts-check
/** An act of an island: it is busy meanwhile, and tells what went wrong where it is. */
import { nothing } from "./island.js";
import { note } from "./problem.js";

/**
 * @param {{busy: {value: boolean}, told: {value: unknown}}} island
 * @param {() => Promise<void>} work
 */
export async function acting(island, work) {
  island.busy.value = true;
  island.told.value = nothing;
  try {
    await work();
  } catch (error) {
    island.told.value = note(error);
  }
  island.busy.value = false;
}
