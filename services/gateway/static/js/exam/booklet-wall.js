/** <booklet-wall exam>: what the machine found in the paper, doubts first, and the button that makes copies of it. */
import { all, call } from "../core/api.js";
import { h, icon } from "../core/dom.js";
import { note } from "../core/problem.js";
import { known, n, t } from "../core/words.js";

class BookletWall extends HTMLElement {
  connectedCallback() {
    this.exam = this.getAttribute("exam");
    document.addEventListener("scan-read", () => this.#load());
    this.#load();
  }

  async #load(told) {
    try {
      const [booklets, uploads] = await Promise.all([all(`/exams/${this.exam}/booklets`), all(`/exams/${this.exam}/uploads`)]);
      this.files = new Map(uploads.map((each) => [each.id, each.filename]));
      this.#show(booklets, told);
    } catch (error) {
      this.replaceChildren(note(error));
    }
  }

  #show(booklets, told) {
    if (!booklets.length) {
      this.replaceChildren(h("div", { class: "empty" }, icon("scans"), h("h2", {}, t("booklets.empty.title")), h("p", {}, t("booklets.empty.text"))));
      return;
    }
    const staged = booklets.filter((each) => !each.copy_id && !each.set_aside);
    const certain = staged.filter((each) => !each.doubts.length).length;
    const assembled = booklets.filter((each) => each.copy_id).length;
    const order = (each) => (each.set_aside ? 3 : each.copy_id ? 2 : each.doubts.length ? 0 : 1);
    const sorted = [...booklets].sort((one, other) => order(one) - order(other));
    this.told = h("div", { "aria-live": "polite" }, told);
    this.replaceChildren(
      h("div", { class: "wall-head" },
        h("div", {}, h("h2", {}, n("booklets.found", booklets.length)), h("p", { class: "quiet" }, this.#summary(assembled, certain, staged.length - certain))),
        certain > 0 && h("button", { class: "button solid", type: "button", onclick: (event) => this.#assemble(event.currentTarget) }, icon("staple"), n("booklets.assemble", certain))),
      this.told,
      h("div", { class: "wall" }, sorted.map((each) => this.#card(each))));
  }

  #summary(assembled, certain, doubtful) {
    return [assembled && n("booklets.assembled", assembled), certain && n("booklets.certain", certain), doubtful && n("booklets.doubtful", doubtful)].filter(Boolean).join(" · ");
  }

  async #assemble(button) {
    button.setAttribute("aria-busy", "true");
    try {
      const made = await call("POST", `/exams/${this.exam}/copies/assemble`);
      const told = h("p", { class: "note ok", role: "status" }, icon("check"), h("span", {}, n("booklets.made", made.copy_ids.length), " ",
        h("a", { href: `/exams/${this.exam}/identification` }, t("booklets.next"))));
      await this.#load(told);
    } catch (error) {
      this.told.replaceChildren(note(error));
      button.removeAttribute("aria-busy");
    }
  }

  #card(booklet) {
    const staged = !booklet.copy_id;
    const open = staged && !booklet.set_aside && booklet.doubts.length > 0;
    return h("article", { class: ["booklet", open && "doubtful", booklet.set_aside && "aside"].filter(Boolean).join(" ") },
      h("header", {}, h("div", {}, h("h3", {}, t("booklet.title", { position: booklet.position })),
        this.files.size > 1 && h("small", { class: "quiet" }, t("booklet.side", { file: this.files.get(booklet.upload_id) ?? "", side: booklet.first_side }))),
      state(booklet)),
      h("div", { class: "leaves" }, booklet.pages.map(leaf)),
      booklet.doubts.length > 0 && !booklet.set_aside && h("ul", { class: "doubts" }, booklet.doubts.map((code) => h("li", {}, icon("alert"), known(`doubt.${code}`, code)))),
      staged && h("div", { class: "acts" },
        open && this.#act("booklet.accept", "POST", `/exams/${this.exam}/copies`, { booklet_ids: [booklet.id] }),
        this.#act(booklet.set_aside ? "booklet.take_back" : "booklet.set_aside", "DELETE", `/booklets/${booklet.id}?version=${booklet.version}&restore=${booklet.set_aside}`)));
  }

  /** A button for what a person decides about one booklet: the doubt does not hold, or the paper does not count. */
  #act(word, method, path, body) {
    const decide = async (event) => {
      const button = event.currentTarget;
      button.setAttribute("aria-busy", "true");
      try {
        await call(method, path, body);
        await this.#load();
      } catch (error) {
        button.parentElement.after(note(error));
        button.removeAttribute("aria-busy");
      }
    };
    return h("button", { class: "button small", type: "button", onclick: decide }, t(word));
  }
}

function state(booklet) {
  if (booklet.copy_id) return h("span", { class: "state graded" }, icon("check"), t("booklet.assembled"));
  if (booklet.set_aside) return h("span", { class: "state" }, t("booklet.aside"));
  if (booklet.doubts.length) return h("span", { class: "state warn" }, icon("alert"), t("booklet.doubtful"));
  return h("span", { class: "state" }, t("booklet.certain"));
}

function leaf(page) {
  const kind = ["leaf-page", page.dropped && "dropped", page.blank && "blank"].filter(Boolean).join(" ");
  const image = h("img", { src: page.thumb.href, width: page.thumb.width_px, height: page.thumb.height_px, loading: "lazy", alt: t("booklet.page", { page: page.page_no, side: page.side_no }) });
  if (page.turn_deg) image.style.rotate = `${page.turn_deg}deg`;
  return h("a", { class: kind, href: page.screen.href, target: "_blank", rel: "noopener" }, image, h("span", {}, page.blank ? t("booklet.blank") : String(page.page_no)));
}

customElements.define("booklet-wall", BookletWall);
