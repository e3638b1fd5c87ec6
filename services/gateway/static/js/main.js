/** On every page: moments in the reader's own time; where there are any, forms that talk to the API and the theme. */
import { localMoment } from "./core/words.js";

for (const time of document.querySelectorAll("time[data-local]")) time.textContent = localMoment(time.dateTime);
await Promise.all(
  ["api-form", "theme-choice"].filter((name) => document.querySelector(name)).map((name) => import(`./core/${name}.js`)),
);
