/** <access-codes exam exam-title>: makes codes and shows them once, as slips to print and cut. */
import { call } from "../core/api.js";
import { confirmed } from "../core/dialog.js";
import { h, icon } from "../core/dom.js";
import { note } from "../core/problem.js";
import { n, t } from "../core/words.js";

class AccessCodes extends HTMLElement {
  connectedCallback() {
    this.told = h("div", { "aria-live": "polite" });
    this.slips = h("div", { class: "slips" });
    this.replaceChildren(
      h("section", { class: "panel no-print" }, h("h2", {}, t("codes.make")), h("p", { class: "quiet" }, t("codes.lead")),
        h("div", { class: "acts" },
          h("button", { class: "button solid", type: "button", onclick: () => this.#make(true) }, icon("access-codes"), t("codes.missing")),
          h("button", { class: "button", type: "button", onclick: () => this.#make(false) }, t("codes.all"))),
        this.told),
      this.slips);
  }

  async #make(onlyMissing) {
    if (!onlyMissing && !(await confirmed(t("codes.all.confirm")))) return;
    try {
      this.#show(await call("POST", `/exams/${this.getAttribute("exam")}/access-codes`, { only_missing: onlyMissing }));
    } catch (error) {
      this.told.replaceChildren(note(error));
    }
  }

  #show({ items }) {
    if (!items.length) {
      this.told.replaceChildren(h("p", { class: "note ok" }, icon("check"), h("span", {}, t("codes.none_missing"))));
      return;
    }
    this.told.replaceChildren(h("p", { class: "note warn" }, icon("alert"), h("span", {}, n("codes.once", items.length))),
      h("p", { class: "more" }, h("button", { class: "button solid", type: "button", onclick: () => print() }, icon("print"), t("codes.print"))));
    this.slips.replaceChildren(...items.map((each) => h("article", { class: "slip" },
      h("b", {}, `${each.last_name} ${each.first_name}`), h("small", { class: "quiet" }, [each.class, this.getAttribute("exam-title")].filter(Boolean).join(" · ")),
      h("span", { class: "secret code" }, each.code), h("small", { class: "quiet" }, t("codes.where", { address: `${location.origin}/candidate` })))));
  }
}

customElements.define("access-codes", AccessCodes);
