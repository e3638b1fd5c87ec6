// @ts-check
/** <exam-allocation exam [admin]>: who marks how many copies and how far they are; sharing out, and moving copies. */
import { acting } from "../core/acting.js";
import { all, call } from "../core/api.js";
import { Island, computed, html, icon, nothing, repeat, signal, svg } from "../core/island.js";
import { note } from "../core/problem.js";
import { say } from "../core/toast.js";
import { n, t } from "../core/words.js";

/** @typedef {{marker_id: string, marker: string, copy_ids: string[], by_status: Record<string, number>}} Share */
/** @typedef {{id: string, display_name: string, username: string, role: string, active: boolean}} User */

const ORDER = ["GRADED", "GRADING_IN_PROGRESS", "GRADING_FAILED", "LOCKED", "READY"];
const initials = (/** @type {string} */ name) => name.split(/\s+/).filter(Boolean).map((part) => part[0]).filter((_, at, parts) => at === 0 || at === parts.length - 1).join("").toUpperCase() || "?";

class ExamAllocation extends Island {
  shares = signal(/** @type {Share[] | null} */ (null));
  free = signal(0);
  users = signal(/** @type {User[]} */ ([]));
  chosen = signal(/** @type {Set<string>} */ (new Set()));
  moving = signal("");
  told = signal(/** @type {unknown} */ (nothing));
  busy = signal(false);
  /** What sharing out will give each of the chosen. */
  preview = computed(() => {
    const has = [...this.chosen.value].sort().map((id) => ({ id, count: this.shares.value?.find((each) => each.marker_id === id)?.copy_ids.length ?? 0, more: 0 }));
    for (let left = this.free.value; left > 0 && has.length; left -= 1) {
      const least = has.reduce((best, each) => each.count < best.count ? each : best);
      least.count += 1;
      least.more += 1;
    }
    return has;
  });

  get path() {
    return `/exams/${this.getAttribute("exam")}/allocation`;
  }

  get admin() {
    return this.hasAttribute("admin");
  }

  async setup() {
    try {
      const [found, users] = await Promise.all([call("GET", this.path), this.admin ? all("/users") : []]);
      this.users.value = users.filter((/** @type {User} */ each) => each.active && each.role !== "operator");
      this.adopt(found);
      const marking = new Set(found.items.map((/** @type {Share} */ each) => each.marker_id));
      const usual = this.users.value.filter((each) => marking.size ? marking.has(each.id) : each.role === "marker");
      this.chosen.value = new Set(usual.map((each) => each.id));
    } catch (error) {
      this.told.value = note(error);
    }
  }

  /** @param {{items: Share[], unallocated: number}} found */
  adopt(found) {
    this.shares.value = found.items;
    this.free.value = found.unallocated;
  }

  view() {
    const shares = this.shares.value;
    if (!shares) return html`<p class="quiet">${this.told.value === nothing ? t("list.loading") : this.told.value}</p>`;
    return html`<div class="told">${this.told.value}</div><div class="halves wide-left"><section class="panel"><h2>${t("allocation.now")}</h2>
      ${shares.length ? html`<ul>${repeat(shares, (each) => each.marker_id, (each) => this.marker(each))}</ul>` : html`<p class="quiet">${t("allocation.none")}</p>`}
      ${this.free.value ? html`<p class="note warn">${icon("alert")}<span>${n("allocation.unallocated", this.free.value)}</span></p>`
        : shares.length ? html`<p class="note ok">${icon("check")}<span>${t("allocation.complete")}</span></p>` : nothing}</section>
      ${this.admin ? this.choice() : nothing}</div>`;
  }

  /** @param {Share} share */
  marker(share) {
    const total = share.copy_ids.length;
    let start = 0;
    const parts = ORDER.filter((status) => share.by_status[status]).map((status) => {
      const width = 100 * share.by_status[status] / total;
      const part = svg`<rect class=${status.toLowerCase()} x=${start} width=${width} height="8"></rect>`;
      start += width;
      return { part, status, count: share.by_status[status] };
    });
    const ready = share.by_status.READY ?? 0;
    const others = this.users.value.filter((each) => each.id !== share.marker_id);
    return html`<li class="marker"><span class="avatar" aria-hidden="true">${initials(share.marker)}</span>
      <span><b>${share.marker}</b><br><span class="quiet small">${n("copies", total)}</span></span>
      <div>${bar(share, parts.map((each) => each.part))}<ul class="legend">${parts.map((each) => html`<li class=${each.status.toLowerCase()}><b>${each.count}</b> ${n(`status.many.${each.status}`, each.count)}</li>`)}</ul></div>
      ${this.admin && ready && others.length ? html`<button class="button small" type="button" aria-expanded=${String(this.moving.value === share.marker_id)} @click=${() => { this.moving.value = this.moving.value === share.marker_id ? "" : share.marker_id; }}>${icon("arrow-left-right")}${t("allocation.move")}<span class="unseen"> ${share.marker}</span></button>` : html`<span></span>`}
      ${this.moving.value === share.marker_id && ready ? html`<form class="moving" @submit=${(/** @type {SubmitEvent} */ event) => this.move(event, share)}>
        <label class="field"><span>${t("allocation.move.count")}</span><input name="count" type="number" min="1" max=${ready} value=${ready} required></label>
        <label class="field"><span>${t("allocation.move.to")}</span><select name="to" class="input">${others.map((each) => html`<option value=${each.id}>${each.display_name}</option>`)}</select></label>
        <button class="button solid">${t("allocation.move")}</button><p class="quiet small">${t("allocation.move.hint")}</p></form>` : nothing}</li>`;
  }

  choice() {
    const users = this.users.value;
    if (!users.length) return html`<section class="panel"><h2>${t("allocation.choose")}</h2><p class="note warn">${icon("alert")}<span>${t("allocation.no_markers")} <a href="/users">${t("nav.users")}</a></span></p></section>`;
    const toggle = (/** @type {string} */ id) => {
      const next = new Set(this.chosen.value);
      if (!next.delete(id)) next.add(id);
      this.chosen.value = next;
    };
    const name = (/** @type {string} */ id) => users.find((each) => each.id === id)?.display_name ?? "";
    return html`<section class="panel"><h2>${t("allocation.choose")}</h2><p class="quiet">${t("allocation.lead")}</p>
      <fieldset class="choices"><legend class="unseen">${t("allocation.choose")}</legend>${users.map((each) => html`<label class="choice"><input type="checkbox" .checked=${this.chosen.value.has(each.id)} @change=${() => toggle(each.id)}><span><b>${each.display_name}</b><small>${each.username} · ${t(`role.${each.role}`)}</small></span></label>`)}</fieldset>
      ${this.free.value && this.chosen.value.size ? html`<p class="preview" role="status">${this.preview.value.map((each) => html`<span>${name(each.id)} : +${each.more}</span>`)}</p>` : html`<p class="preview"></p>`}
      <button class="button solid wide" type="button" aria-busy=${String(this.busy.value)} ?disabled=${!this.free.value || !this.chosen.value.size} @click=${() => this.spread()}>${this.free.value ? n("allocation.spread", this.free.value) : t("allocation.nothing")}</button>
      <p class="quiet small more"><a href="/users">${t("allocation.more_markers")}</a></p></section>`;
  }

  spread() {
    const count = this.free.value;
    return this.send({ marker_ids: [...this.chosen.value] }, n("allocation.done", count));
  }

  /** @param {SubmitEvent} event @param {Share} share */
  move(event, share) {
    event.preventDefault();
    const said = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.target)));
    const to = String(said.to);
    const name = this.users.value.find((each) => each.id === to)?.display_name ?? "";
    return this.send({ marker_ids: [to], taken_from: share.marker_id, keeping: (share.by_status.READY ?? 0) - Number(said.count) }, n("allocation.moved", Number(said.count), { from: share.marker, to: name }));
  }

  /** @param {Record<string, unknown>} body @param {string} done */
  send(body, done) {
    return acting(this, async () => {
      this.adopt(await call("POST", this.path, body));
      this.moving.value = "";
      say(done);
    });
  }
}

/** @param {Share} share @param {unknown[]} parts */
function bar(share, parts) {
  const label = t("exam.progress", { graded: share.by_status.GRADED ?? 0, copies: share.copy_ids.length });
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=${label}><rect class="ground" width="100" height="8"></rect>${parts}</svg>`;
}

customElements.define("exam-allocation", ExamAllocation);
