// @ts-check
/** <theme-choice>: as the system says, light, or dark. `early.js` has applied it before the first paint. */
import { Island, effect, html, icon, preference } from "./island.js";
import { t } from "./words.js";

const PICTURES = { auto: "sun-moon", light: "sun", dark: "moon" };

/** @type {import("./island.js").Signal<"auto" | "light" | "dark">} */
const theme = preference("theme", "auto");

effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});

class ThemeChoice extends Island {
  view() {
    return html`<div class="themes" role="group" aria-label=${t("frame.theme")}>
      ${Object.entries(PICTURES).map(
        ([name, picture]) => html`<button
          class="plain"
          title=${t(`frame.theme.${name}`)}
          aria-pressed=${String(theme.value === name)}
          @click=${() => { theme.value = /** @type {"auto"} */ (name); }}
        >${icon(picture)}<span class="unseen">${t(`frame.theme.${name}`)}</span></button>`,
      )}
    </div>`;
  }
}

customElements.define("theme-choice", ThemeChoice);
