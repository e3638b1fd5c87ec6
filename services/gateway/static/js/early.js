// @ts-check
// Before anything is painted or pressed: a plain script that the head waits for, hence no module.

try {
  const theme = JSON.parse(localStorage.getItem("korrigo.theme") ?? '"auto"');
  if (theme !== "auto") document.documentElement.dataset.theme = theme;
} catch (error) {
  console.warn("korrigo.theme cannot be read", error);
}

// A form that is pressed before its module is there waits for it: sent by the browser, its passwords stood in the address.
addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.closest("api-form:not(:defined)")) return;
  event.preventDefault();
  customElements.whenDefined("api-form").then(() => form.requestSubmit());
}, true);
