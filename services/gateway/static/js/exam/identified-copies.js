// @ts-check
/** <identified-copies exam>: every copy with its candidate and who said so; search, correct one, read or match again. */
import { all, call } from "../core/api.js";
import { Island, computed, html, icon, nothing, repeat, signal } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { n, t } from "../core/words.js";
import { fits, words } from "./people.js";

/** @typedef {import("./identification-desk.js").Copy} Copy */

const SHOWN = 60;

class IdentifiedCopies extends Island {
  copies = signal(/** @type {(Copy & {person: any})[] | null} */ (null));
  search = signal("");
  most = signal(SHOWN);
  told = signal(/** @type {unknown} */ (nothing));
  busy = signal("");
  found = computed(() => {
    const typed = words(this.search.value);
    const nobody = { last_name: "", first_name: "" };
    return (this.copies.value ?? []).filter((each) => fits({ ...(each.person ?? nobody), class: `${each.person?.class ?? ""} ${each.anonymous_id}` }, typed));
  });

  get path() {
    return `/exams/${this.getAttribute("exam")}`;
  }

  setup() {
    this.load();
  }

  async load() {
    try {
      const [copies, people] = await Promise.all([all(`${this.path}/identification?pending_only=false`), all(`${this.path}/candidates`)]);
      const byId = new Map(people.map((each) => [each.id, each]));
      copies.sort((a, b) => a.anonymous_id.localeCompare(b.anonymous_id));
      this.copies.value = copies.map((each) => ({ ...each, person: byId.get(each.candidate_id) }));
    } catch (error) {
      this.told.value = note(error);
    }
  }

  view() {
    if (!this.copies.value) return html`<p class="quiet">${this.told.value === nothing ? t("list.loading") : this.told.value}</p>`;
    const found = this.found.value;
    const act = (/** @type {string} */ name, /** @type {string} */ picture, /** @type {() => Promise<void>} */ work) => html`<button class="button small" type="button" aria-busy=${String(this.busy.value === name)} @click=${() => this.run(name, work)}>${icon(picture)}${t(`identify.${name}`)}</button>`;
    return html`<section class="panel"><div class="list-head"><label class="find">${icon("search")}<span class="unseen">${t("identify.all.search")}</span><input type="search" autocomplete="off" placeholder=${t("identify.all.search")} @input=${(/** @type {any} */ event) => { this.search.value = event.target.value; this.most.value = SHOWN; }}></label>
        <div class="acts">${act("read_failed", "refresh-cw", () => this.readFailed())}${act("solve", "shuffle", () => this.solve())}</div></div>
      <div class="told">${this.told.value}</div>
      ${found.length ? html`<div class="scroll" tabindex="0" role="region" aria-label=${t("identify.place.all")}><table class="identified">
        <thead><tr><th scope="col">${t("copies.id")}</th><th scope="col">${t("identify.header")}</th><th scope="col">${t("identify.candidate")}</th><th scope="col">${t("identify.by")}</th><td></td></tr></thead>
        <tbody>${repeat(found.slice(0, this.most.value), (each) => each.copy_id, (each) => this.row(each))}</tbody></table></div>` : html`<p class="quiet" role="status">${t(this.search.value ? "identify.all.nobody" : "identify.empty.title")}</p>`}
      ${found.length > this.most.value ? html`<p class="more"><button class="button" type="button" @click=${() => { this.most.value += 5 * SHOWN; }}>${n("identify.all.more", found.length - this.most.value)}</button></p>` : nothing}</section>`;
  }

  /** @param {Copy & {person: any}} copy */
  row(copy) {
    const by = copy.candidate_id ? copy.decided_by ?? "person" : "";
    return html`<tr><th scope="row"><a class="code" href="/copies/${copy.copy_id}">${copy.anonymous_id}</a></th>
      <td>${copy.header ? html`<img src=${copy.header.href} alt="" loading="lazy">` : html`<span class="quiet small">${t("identify.none")}</span>`}</td>
      <td>${copy.person ? html`<b>${copy.person.last_name}</b> ${copy.person.first_name} <small class="quiet">${copy.person.class}</small>` : html`<span class="state warn">${t("copies.unidentified")}</span>`}
        ${copy.doubt ? html`<span class="small doubt">${t(`identify.doubt.${copy.doubt}`)}</span>` : nothing}</td>
      <td>${by ? html`<span class="by">${icon(by === "machine" ? "cpu" : "user-check")}${t(`identify.by.${by}`)}</span>` : html`<span class="quiet">–</span>`}</td>
      <td class="num"><button class="button small" type="button" @click=${() => this.dispatchEvent(new CustomEvent("correct", { detail: copy }))}>${t(copy.person ? "identify.correct" : "step.identification.act")}<span class="unseen"> ${copy.anonymous_id}</span></button></td></tr>`;
  }

  async readFailed() {
    const { copies } = await call("POST", `${this.path}/identification/readings`);
    say(n("identify.read_failed.done", copies), copies ? "ok" : "warn");
  }

  async solve() {
    const before = (this.copies.value ?? []).filter((each) => each.candidate_id).length;
    const now = await call("POST", `${this.path}/identification/solve`);
    say(n("identify.solve.done", now.identified - before, { identified: now.identified, copies: now.copies }));
    await this.load();
  }

  /** @param {string} name @param {() => Promise<void>} work */
  async run(name, work) {
    this.busy.value = name;
    this.told.value = nothing;
    try {
      await work();
    } catch (error) {
      this.told.value = note(error);
    }
    this.busy.value = "";
  }
}

customElements.define("identified-copies", IdentifiedCopies);
