// @ts-check
/** <own-pace>: how long one has been at this copy, for oneself: kept on this computer, never sent. */
import { Island, effect, html, preference, signal } from "../core/island.js";
import { t } from "../core/words.js";
import * as S from "./store.js";

const IDLE_MS = 60_000; // later than this after the last touch nobody is working
const COPIES = 30; // of the last ones make the mean
const TOO_SHORT_S = 5; // leafed through, not marked

const seconds = signal(0);
const lasted = preference("desk.pace.lasted", /** @type {number[]} */ ([]));
let touched = performance.now();
for (const kind of ["pointerdown", "keydown", "wheel"]) {
  addEventListener(kind, () => { touched = performance.now(); }, { passive: true, capture: true });
}

let copy = "";
effect(() => {
  const now = S.desk.value?.copy.id;
  if (now !== copy) seconds.value = 0;
  copy = now;
});
S.place.addEventListener("copy-finished", () => {
  if (seconds.peek() >= TOO_SHORT_S) lasted.value = [...lasted.peek(), seconds.peek()].slice(-COPIES);
});

class OwnPace extends Island {
  setup() {
    this.tick = setInterval(() => {
      if (!document.hidden && performance.now() - touched < IDLE_MS) seconds.value += 1;
    }, 1000);
  }

  teardown() {
    clearInterval(this.tick);
  }

  view() {
    const left = Number(this.getAttribute("left") ?? 0);
    const mean = lasted.value.reduce((sum, each) => sum + each, 0) / (lasted.value.length || 1);
    const minutes = Math.max(1, Math.round((mean * left) / 60));
    const time = minutes < 60 ? t("desk.minutes", { minutes }) : t("desk.hours", { hours: Math.floor(minutes / 60), minutes: String(minutes % 60).padStart(2, "0") });
    const clock = `${Math.floor(seconds.value / 60)}:${String(seconds.value % 60).padStart(2, "0")}`;
    return html`<p class="pace" title=${t("desk.pace.private")}><b>${clock}</b>${mean && left ? html`<span>${t("desk.pace.left", { time })}</span>` : ""}</p>`;
  }
}

customElements.define("own-pace", OwnPace);
