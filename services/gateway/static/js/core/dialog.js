/** "Are you sure?" in a dialogue of the page: it keeps focus and closes on Escape. */
import { h } from "./dom.js";
import { t } from "./words.js";

/** @param {string} question  @returns {Promise<boolean>} */
export function confirmed(question) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { "aria-labelledby": "question" },
      h("p", { id: "question" }, question),
      h(
        "form",
        { method: "dialog", class: "acts" },
        h("button", { class: "button", value: "no" }, t("act.cancel")),
        h("button", { class: "button solid", value: "yes" }, t("act.confirm")),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
