/** Elements without markup strings: data never becomes HTML (the pages are Trusted-Types clean). */

const SVG = "http://www.w3.org/2000/svg";
const icons = document.querySelector('meta[name="icons"]')?.content ?? "";

/**
 * An element. Attributes starting with `on` are listeners; `true` sets an empty attribute, `false`/`null` none.
 * @param {string} name
 * @param {Record<string, any>} [attributes]
 * @param {...any} children nodes or texts; null, undefined and false are left out
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An SVG element, built as `h` does. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** @param {string} name a symbol of icons.svg */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `${icons}#${name}` }));
}

/** A bar filled to `share` of 1, in the colour of the class `kind`. */
export function bar(share, kind) {
  return svg(
    "svg",
    { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "ground", width: 100, height: 8 }),
    svg("rect", { class: kind, width: Math.round(share * 100), height: 8 }),
  );
}
