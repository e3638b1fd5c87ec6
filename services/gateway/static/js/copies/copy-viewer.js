// @ts-check
/** <copy-viewer>: marks the thumbnail of the page one is looking at. Works on what the server rendered. */
class CopyViewer extends HTMLElement {
  connectedCallback() {
    const links = new Map([...this.querySelectorAll(".thumbs a")].map((link) => [/** @type {HTMLAnchorElement} */ (link).hash.slice(1), link]));
    this.watcher = new IntersectionObserver((entries) => this.#look(entries, links), { rootMargin: "-45% 0px -45% 0px" });
    for (const sheet of this.querySelectorAll(".sheets figure")) this.watcher.observe(sheet);
    links.values().next().value?.setAttribute("aria-current", "true");
  }

  disconnectedCallback() {
    this.watcher?.disconnect();
  }

  /** @param {IntersectionObserverEntry[]} entries  @param {Map<string, Element>} links */
  #look(entries, links) {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(entry.target.id);
      link?.setAttribute("aria-current", "true");
      link?.scrollIntoView({ block: "nearest" });
    }
  }
}

customElements.define("copy-viewer", CopyViewer);
