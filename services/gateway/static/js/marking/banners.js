// @ts-check
/**
 * <desk-banners>: what stands between one's marks and the server: a lock somebody else holds, another window, marks that
 * met others, a full disk. Each comes with a choice; nothing that was marked goes away by itself.
 */
import { call } from "../core/api.js";
import { Island, html, icon, nothing } from "../core/island.js";
import { localMoment, n, points, t } from "../core/words.js";
import { name } from "./panel.js";
import * as S from "./store.js";
import { told } from "../core/toast.js";

const FINISHED = ["GRADED", "GRADING_IN_PROGRESS"];
const MOST_SHOWN = 4;

/** Give everything that was kept for this copy as a file. */
function save() {
  const file = S.sync.exported();
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: file.name });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** What was finished is composed once more; its page tells what comes of it. @param {string} id */
async function finaliseAgain(id) {
  await call("POST", `/copies/${id}/finalise`);
  location.assign(`/copies/${id}`);
}

/** What one of two versions says, in words. @param {any} value */
function said(value) {
  if (value === null || value === undefined || value === "") return t("desk.conflict.nothing");
  if (typeof value === "string") return /^[\d.]+$/.test(value) ? points(value) : `« ${value} »`;
  return value.content ? `« ${value.content} »` : t(`desk.tool.${value.type}`);
}

/** What a conflict is about. @param {import("./types.js").Conflict} conflict */
function about({ act, mine, theirs }) {
  if (act.do === "appraise") return t("copy.appraisal");
  if (act.do === "score" || act.do === "remark") {
    const item = S.itemOf.value.get(act.item_id);
    return item ? name(item) : act.item_id;
  }
  return t("copy.page", { page: (mine ?? theirs)?.page ?? "–" });
}

/** @param {number} pending */
async function giveUp(pending) {
  const { confirmed } = await import("../core/dialog.js"); // next to nobody comes here
  if (await confirmed(n("desk.give_up.sure", pending))) S.sync.discard();
}

class DeskBanners extends Island {
  /** @param {string} kind @param {string} picture @param {unknown} text @param {unknown} acts */
  banner(kind, picture, text, acts) {
    return html`<div class=${`banner ${kind}`} role=${kind === "bad" ? "alert" : "status"}>${icon(picture)}<div>${text}</div><div class="acts">${acts}</div></div>`;
  }

  /** @param {string} words @param {() => unknown} act @param {string} [kind] */
  button(words, act, kind = "") {
    return html`<button type="button" class=${`button small ${kind}`} @click=${async () => {
      try {
        await act();
      } catch (error) {
        told(error);
      }
    }}>${words}</button>`;
  }

  watching() {
    return this.banner("warn", "square-stack", t("desk.window"), this.button(t("desk.window.here"), () => S.sync.takeOver(), "solid"));
  }

  /** @param {import("./types.js").Lost} lost */
  lost(lost) {
    const pending = S.sync.pending.value;
    const { id, status, error_message: why } = S.desk.value?.copy ?? {};
    if (!pending && status === "GRADING_FAILED") return this.banner("bad", "alert", html`<b>${t("copy.failed")}</b><p>${why || t("copy.failed.text")}</p>`, this.button(t("copy.finalise_again"), () => finaliseAgain(id), "solid"));
    if (!pending && FINISHED.includes(status)) return this.banner("ok", "check", t("desk.graded"), html`<a class="button small" href=${`/copies/${id}`}>${t("desk.graded.see")}</a>`);
    const who = lost.owner ? t(lost.until ? "desk.locked_until" : "desk.locked", { owner: lost.owner, until: lost.until ? time(lost.until) : "" }) : lost.problem.message;
    if (!pending) return this.banner("warn", "lock", html`${who} ${t("desk.read_only")}`, this.button(t("desk.try_again"), () => S.sync.applyAgain()));
    return this.banner("bad", "lock", html`${who} ${n("desk.kept_here", pending)}`, html`${this.button(t("desk.try_again"), () => S.sync.applyAgain(), "solid")}
      ${this.button(t("desk.save_file"), save)}${this.button(t("desk.give_up"), () => giveUp(pending), "danger")}`);
  }

  /** @param {import("./types.js").Conflict[]} conflicts */
  conflicts(conflicts) {
    const all = (/** @type {"mine" | "theirs"} */ whose) => () => conflicts.forEach((each) => S.sync.choose(each.id, whose));
    const real = conflicts.some((each) => !each.refused);
    return this.banner("bad", "alert", html`<p>${n("desk.conflict", conflicts.length)}</p>
      <ul>${conflicts.slice(0, MOST_SHOWN).map((each) => html`<li><b>${about(each)}</b>${each.refused ? html` <span>${each.refused.detail}</span>${this.button(t("desk.conflict.drop"), () => S.sync.choose(each.id, "theirs"))}`
        : html` ${this.button(t("desk.conflict.mine", { what: said(each.mine) }), () => S.sync.choose(each.id, "mine"))} ${this.button(t("desk.conflict.theirs", { what: said(each.theirs) }), () => S.sync.choose(each.id, "theirs"))}`}</li>`)}</ul>
      ${conflicts.length > MOST_SHOWN ? html`<p class="small">${n("desk.conflict.more", conflicts.length - MOST_SHOWN)}</p>` : nothing}`,
    conflicts.length > 1 && real ? html`${this.button(t("desk.conflict.all_mine"), all("mine"), "solid")}${this.button(t("desk.conflict.all_theirs"), all("theirs"))}` : nothing);
  }

  view() {
    if (!S.desk.value) return nothing;
    const { role, lost, conflicts, state, left } = S.sync;
    return html`${role.value === "watching" ? this.watching() : nothing}${lost.value && role.value !== "watching" ? this.lost(lost.value) : nothing}
      ${conflicts.value.length ? this.conflicts(conflicts.value) : nothing}
      ${state.value === "storage-full" ? this.banner("bad", "alert", t("desk.storage_full"), this.button(t("desk.save_file"), save)) : nothing}
      ${left.value.map((/** @type {{copy_id: string, acts: number}} */ each) => this.banner("warn", "cloud-alert", n("desk.left", each.acts), html`<a class="button small" href=${`/copies/${each.copy_id}/mark`}>${t("desk.left.open")}</a>`))}`;
  }
}

/** @param {string} instant today's, as a rule: hours and minutes are enough */
const time = (instant) => (new Date(instant).toDateString() === new Date().toDateString() ? new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(new Date(instant)) : localMoment(instant));

customElements.define("desk-banners", DeskBanners);
