// @ts-check
/** <candidate-list exam>: everybody on the roster, found by any part of name, class or INE; and the empty state. */
import { all } from "../core/api.js";
import { Island, computed, html, icon, nothing, repeat, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { day, n, t } from "../core/words.js";
import { fits, words } from "./people.js";

/** @typedef {{id: string, last_name: string, first_name: string, class: string, ine: string | null, birth_date: string | null, copy_id: string | null}} Candidate */

const SHOWN = 100;

class CandidateList extends Island {
  candidates = signal(/** @type {Candidate[] | null} */ (null));
  search = signal("");
  told = signal(/** @type {unknown} */ (nothing));
  most = signal(SHOWN);
  found = computed(() => {
    const typed = words(this.search.value);
    return (this.candidates.value ?? []).filter((each) => fits(each, typed));
  });
  #again = () => this.load();

  setup() {
    document.addEventListener("imported", this.#again);
    this.load();
  }

  teardown() {
    document.removeEventListener("imported", this.#again);
  }

  async load() {
    try {
      this.candidates.value = await all(`/exams/${this.getAttribute("exam")}/candidates`);
    } catch (error) {
      this.told.value = note(error);
    }
  }

  view() {
    const candidates = this.candidates.value;
    if (!candidates) return html`<p class="quiet">${this.told.value === nothing ? t("list.loading") : this.told.value}</p>`;
    if (!candidates.length) return this.nobody();
    const found = this.found.value;
    const copies = candidates.filter((each) => each.copy_id).length;
    return html`<section class="panel"><div class="list-head"><h2>${n("roster.candidates", candidates.length)}${copies ? html` <span class="quiet small">· ${n("roster.with_copy", copies)}</span>` : nothing}</h2>
        <label class="find">${icon("search")}<span class="unseen">${t("roster.search")}</span><input type="search" placeholder=${t("roster.search")} autocomplete="off" @input=${(/** @type {any} */ event) => { this.search.value = event.target.value; this.most.value = SHOWN; }}></label></div>
      ${found.length ? html`<div class="scroll" tabindex="0" role="region" aria-label=${t("nav.roster")}><table>
        <thead><tr>${["last_name", "first_name", "class", "birth_date", "ine"].map((each) => html`<th scope="col">${t(`field.${each}`)}</th>`)}<th scope="col">${t("roster.copy")}</th></tr></thead>
        <tbody>${repeat(found.slice(0, this.most.value), (each) => each.id, (each) => html`<tr><th scope="row">${each.last_name}</th><td>${each.first_name}</td><td>${each.class}</td><td>${each.birth_date ? day(each.birth_date) : ""}</td><td class="code">${each.ine ?? ""}</td>
          <td>${each.copy_id ? html`<a href="/copies/${each.copy_id}">${t("roster.has_copy")}</a>` : html`<span class="quiet">${t("roster.no_copy")}</span>`}</td></tr>`)}</tbody></table></div>` : html`<p class="quiet" role="status">${t("roster.search.nobody", { text: this.search.value })}</p>`}
      ${found.length > this.most.value ? html`<p class="more"><button class="button" type="button" @click=${() => { this.most.value += 5 * SHOWN; }}>${n("roster.more", found.length - this.most.value)}</button></p>` : nothing}
    </section>`;
  }

  nobody() {
    return html`<div class="empty">${icon("roster")}<h2>${t("roster.empty.title")}</h2><p>${t("roster.empty.text")}</p>
      <button class="button" type="button" @click=${sample}>${icon("download")}${t("roster.sample")}</button></div>`;
  }
}

/** A file that shows what is understood, to be filled in. */
function sample() {
  const text = `\ufeff${t("roster.sample.rows")}`;
  const link = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: t("roster.sample.file"),
  });
  link.click();
  URL.revokeObjectURL(link.href);
}

customElements.define("candidate-list", CandidateList);
