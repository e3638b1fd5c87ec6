/** On every page: forms that talk to the API, and moments in the reader's own time. */
import "./core/api-form.js";
import { localMoment } from "./core/words.js";

for (const time of document.querySelectorAll("time[data-local]")) time.textContent = localMoment(time.dateTime);
