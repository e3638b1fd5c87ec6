/** On every page: forms that talk to the API, the theme, and moments in the reader's own time. */
import "./core/theme-choice.js";
import { localMoment } from "./core/words.js";

for (const time of document.querySelectorAll("time[data-local]")) time.textContent = localMoment(time.dateTime);
if (document.querySelector("api-form")) await import("./core/api-form.js");
