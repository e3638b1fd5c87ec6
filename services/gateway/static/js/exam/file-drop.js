/** A place to drop or choose files: a labelled file input, so that keyboard and screen readers get it for free. */
import { h, icon } from "../core/dom.js";

/**
 * @param {{title: string, hint: string, accept: string, multiple?: boolean, picture: string}} what
 * @param {(files: File[]) => void} chosen
 */
export function fileDrop(what, chosen) {
  const input = h("input", {
    class: "unseen", type: "file", accept: what.accept, multiple: what.multiple ?? false,
    onchange: () => { if (input.files.length) chosen([...input.files]); input.value = ""; },
  });
  const over = (on) => (event) => { event.preventDefault(); place.classList.toggle("over", on); };
  const place = h("label", {
    class: "drop", ondragover: over(true), ondragleave: over(false),
    ondrop: (event) => { over(false)(event); if (event.dataTransfer.files.length) chosen([...event.dataTransfer.files]); },
  }, icon(what.picture), h("b", {}, what.title), h("span", { class: "small" }, what.hint), input);
  return place;
}
