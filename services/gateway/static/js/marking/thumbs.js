// @ts-check
/** <page-thumbs>: all pages at a glance, with what is marked on them. */
import { Island, html, nothing } from "../core/island.js";
import { n, t } from "../core/words.js";
import { still } from "./drawing.js";
import * as S from "./store.js";

class PageThumbs extends Island {
  view() {
    const copy = S.desk.value?.copy;
    if (!copy) return nothing;
    return html`<ol>${copy.pages.map((/** @type {any} */ page) => {
      const marks = S.onPage.value.get(page.page_no) ?? [];
      const here = S.pageInView.value === page.page_no;
      return html`<li><button type="button" aria-current=${here ? "page" : "false"} title=${marks.length ? n("desk.marks", marks.length) : ""}
        @click=${() => this.dispatchEvent(new CustomEvent("page", { bubbles: true, detail: page.page_no }))}>
        <span class="sheet"><img src=${`/api/v1/copies/${copy.id}/pages/${page.page_no}?size=thumb&v=${copy.paper_revision}`} width=${page.width_px} height=${page.height_px} alt="" loading="lazy">
        ${marks.length ? still(marks, S.heightOf(page.page_no)) : nothing}</span>
        <span class="unseen">${t("copy.page", { page: page.page_no })}</span><span aria-hidden="true">${page.page_no}</span>${marks.length ? html`<i>${marks.length}<span class="unseen"> ${n("desk.marks.of", marks.length)}</span></i>` : nothing}</button></li>`;
    })}</ol>`;
  }
}

customElements.define("page-thumbs", PageThumbs);
