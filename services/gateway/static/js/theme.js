// @ts-check
// The chosen theme before anything is painted: a plain script that the head waits for, hence no module.
try {
  const theme = JSON.parse(localStorage.getItem("korrigo.theme") ?? '"auto"');
  if (theme !== "auto") document.documentElement.dataset.theme = theme;
} catch (error) {
  console.warn("korrigo.theme cannot be read", error);
}
