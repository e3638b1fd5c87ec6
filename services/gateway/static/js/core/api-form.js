/**
 * <api-form method path [next] [done] [confirm]> around a <form>: sends its fields to the API as JSON, then goes to
 * `next` ({name} is taken from the answer), or says `done` and stays, or reloads. A field's `data-type` says what it is: integer, points, boolean, list.
 * Empty fields are left out.
 */
import { call } from "./api.js";
import { confirmed } from "./dialog.js";
import { clear, tellForm } from "./problem.js";
import { say } from "./toast.js";

class ApiForm extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(event.target);
    });
  }

  async #send(form) {
    const question = this.getAttribute("confirm");
    if (question && !(await confirmed(question))) return;
    const button = form.querySelector("button:not([type=button])");
    clear(form);
    button.setAttribute("aria-busy", "true");
    try {
      const method = this.getAttribute("method");
      const body = method === "DELETE" ? undefined : values(form);
      const answer = await call(method, this.getAttribute("path"), body);
      const next = this.getAttribute("next");
      const done = this.getAttribute("done");
      if (done) {
        form.reset();
        button.removeAttribute("aria-busy");
        say(done);
      } else if (next) location.assign(next.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name])));
      else location.reload();
    } catch (error) {
      tellForm(form, error);
      button.removeAttribute("aria-busy");
    }
  }
}

/** @param {HTMLFormElement} form  @returns {Record<string, any> | undefined} undefined without any field */
export function values(form) {
  const found = {};
  for (const input of form.elements) {
    if (!input.name || input.disabled || (["checkbox", "radio"].includes(input.type) && !input.checked)) continue;
    const text = input.type === "password" ? input.value : input.value.trim();
    if (input.dataset.type === "list") (found[input.name] ??= []).push(text);
    else if (text !== "") found[input.name] = read(text, input.dataset.type);
  }
  return Object.keys(found).length ? found : undefined;
}

function read(text, type) {
  if (type === "integer") return Number(text);
  if (type === "boolean") return text === "true";
  return type === "points" ? text.replace(",", ".") : text;
}

customElements.define("api-form", ApiForm);
