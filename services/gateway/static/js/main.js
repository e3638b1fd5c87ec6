/** On every page: what to know of plain HTTP, moments in the reader's own time; where there are any, forms that talk to the API and the theme. */
import { localMoment } from "./core/words.js";

if (!isSecureContext) for (const note of document.querySelectorAll("[data-unprotected]")) note.hidden = false;
for (const time of document.querySelectorAll("time[data-local]")) time.textContent = localMoment(time.dateTime);
await Promise.all(
  ["api-form", "theme-choice"].filter((name) => document.querySelector(name)).map((name) => import(`./core/${name}.js`)),
);
