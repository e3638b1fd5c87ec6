// @ts-check
/** <mark-tools>: the tools, the ink, undo, and how large the paper is. */
import { Island, html, nothing } from "../core/island.js";
import { t } from "../core/words.js";
import { button, keys } from "./commands.js";
import * as S from "./store.js";

/** @type {[import("./store.js").Tool, string][]} */
const TOOLS = [
  ["select", "mouse-pointer-2"], ["pen", "pen-line"], ["highlight", "highlighter"], ["comment", "message-square-plus"], ["tick", "check"],
  ["cross", "x"], ["error", "circle-alert"], ["bonus", "award"], ["eraser", "eraser"],
];

class MarkTools extends Island {
  /** @param {string} name also of the command @param {string} picture @param {() => void} act @param {{off?: boolean, pressed?: boolean}} [how] */
  button(name, picture, act, how) {
    const key = keys.of(name)[0];
    const more = key?.length === 1 && how?.pressed !== undefined ? html`<kbd aria-hidden="true">${key.toUpperCase()}</kbd>` : nothing;
    return button(t(`desk.tool.${name}`), picture, act, { command: name, kind: `tool ${name}`, more, ...how });
  }

  view() {
    if (!S.desk.value) return nothing;
    const armed = Boolean(S.armed.value);
    const zoom = html`${this.button("zoom-out", "zoom-out", () => S.setZoom(S.zoom.value / S.ZOOM))}
      <button type="button" class="percent" title=${t("desk.tool.fit")} @click=${() => S.setZoom(1)}>${Math.round(S.zoom.value * 100)} %</button>
      ${this.button("zoom-in", "zoom-in", () => S.setZoom(S.zoom.value * S.ZOOM))}`;
    if (!S.writable.value) return html`<div role="toolbar" aria-label=${t("desk.tools")}>${zoom}</div>`;
    return html`<div role="toolbar" aria-label=${t("desk.tools")}>
      ${TOOLS.map(([tool, picture]) => this.button(tool, picture, () => S.choose(tool), { pressed: S.tool.value === tool && !armed }))}
      <span class="gap"></span><span class="inks" role="group" aria-label=${t("desk.colour")}>${/** @type {const} */ (["red", "green", "blue"]).map((colour) => html`<button type="button" class=${`ink-dot ${colour}`}
        aria-label=${t(`desk.colour.${colour}`)} title=${t(`desk.colour.${colour}`)} aria-pressed=${S.colour.value === colour ? "true" : "false"} @click=${() => paint(colour)}></button>`)}</span>
      <span class="gap"></span>${this.button("undo", "undo-2", S.undo, { off: !S.canUndo.value })}${this.button("redo", "redo-2", S.redo, { off: !S.canRedo.value })}
      <span class="gap"></span>${zoom}</div>`;
  }
}

/** The colour of what is chosen, and of the next marks. @param {"red"|"green"|"blue"} colour */
function paint(colour) {
  S.colour.value = colour;
  const mark = S.sync.marks.peek().annotations.get(S.selected.peek());
  if (mark && mark.type !== "highlight") S.change(mark, { colour });
}

customElements.define("mark-tools", MarkTools);
