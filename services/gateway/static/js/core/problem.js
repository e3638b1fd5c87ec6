/** Problems shown next to what caused them. */
import { h, icon } from "./dom.js";
import { known, t } from "./words.js";

/**
 * A note that tells a problem; not a Problem: a defect of this page, which is told and left to the console.
 * @param {unknown} error
 */
export function note(error) {
  const problem = error?.document;
  if (!problem) console.error(error);
  const list = problem?.copies?.map((copy) => `${copy.anonymous_id} – ${copy.reasons.map(reason).join(", ")}`)
    ?? problem?.errors?.map((each) => each.message).filter(Boolean) ?? [];
  return h(
    "div",
    { class: "note bad", role: "alert" },
    icon("alert"),
    h(
      "div",
      {},
      problem?.detail ?? t("problem.page"),
      list.length > 0 && h("ul", {}, list.slice(0, 50).map((each) => h("li", {}, each))),
      problem?.status >= 500 && h("p", {}, `${t("problem.request")} `, h("code", {}, problem.request_id)),
    ),
  );
}

const reason = (code) => known(`reason.${code}`, code);

/** Put `error` into `place`, in the stead of what was told there before. */
export function tell(place, error) {
  place.replaceChildren(note(error));
}

/**
 * Field errors under their fields, the rest in a note at the head of the form.
 * @param {HTMLFormElement} form
 */
export function tellForm(form, error) {
  clear(form);
  const unplaced = [];
  for (const each of error?.document?.errors ?? []) {
    const input = form.elements.namedItem(each.field ?? "");
    const field = input instanceof HTMLElement ? input.closest(".field") : null;
    if (!field || !each.message) unplaced.push(each);
    else mark(input, field, each.message);
  }
  const placed = error?.document?.errors?.length && unplaced.length === 0;
  if (!placed) {
    const told = error?.document ? { document: { ...error.document, errors: unplaced } } : error;
    form.prepend(note(told));
  }
  form.querySelector("[aria-invalid]")?.focus();
}

function mark(input, field, message) {
  const id = `wrong-${input.name}`;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", id);
  const before = field.querySelector(".wrong");
  if (before) before.append(` ${message}`);
  else field.append(h("span", { class: "wrong", id, role: "alert" }, message));
}

/** Forget what was told in this form. */
export function clear(form) {
  for (const told of form.querySelectorAll(":scope > .note.bad, .wrong")) told.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
}
