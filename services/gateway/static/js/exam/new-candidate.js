// @ts-check
/** Somebody who sat the exam and is not on its roster: a row is added to it, as an import of one line would. */
import { all, call } from "../core/api.js";
import { html, icon } from "../core/island.js";
import { tellForm } from "../core/problem.js";
import { t } from "../core/words.js";

const quoted = (/** @type {unknown} */ value) => `"${String(value).trim().replaceAll('"', '""')}"`;

/**
 * @param {string} exam
 * @param {(person: any) => void} added the candidate as the roster has them now
 * @param {() => void} closed
 */
export function addPerson(exam, added, closed) {
  const field = (/** @type {string} */ name, required = true) => html`<label class="field"><span>${t(`field.${name}`)}</span><input name=${name} maxlength="100" autocomplete="off" ?required=${required}></label>`;
  return html`<form class="fields adding" @submit=${(/** @type {SubmitEvent} */ event) => submit(event, exam, added)}>
    <p class="small quiet">${t("identify.absent.lead")}</p>
    <div class="columns">${field("last_name")}${field("first_name")}</div><div class="columns">${field("class", false)}${field("ine", false)}</div>
    <div class="acts"><button class="button" type="button" @click=${closed}>${t("act.cancel")}</button><button class="button solid">${icon("user-plus")}${t("identify.absent.add")}</button></div></form>`;
}

/** @param {SubmitEvent} event @param {string} exam @param {(person: any) => void} added */
async function submit(event, exam, added) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const said = Object.fromEntries(new FormData(form));
  const names = ["last_name", "first_name", "class", "ine"];
  const csv = `Nom;Prénom;Classe;INE\n${names.map((name) => quoted(said[name])).join(";")}\n`;
  const file = new FormData();
  file.append("file", new Blob([csv], { type: "text/csv" }), "candidat.csv");
  try {
    const before = new Set((await all(`/exams/${exam}/candidates`)).map((each) => each.id));
    await call("POST", `/exams/${exam}/roster`, file);
    const people = await all(`/exams/${exam}/candidates`);
    const same = (/** @type {any} */ each) => each.last_name === String(said.last_name).trim() && each.first_name === String(said.first_name).trim();
    added(people.find((each) => !before.has(each.id)) ?? people.find(same));
  } catch (error) {
    tellForm(form, error);
  }
}
