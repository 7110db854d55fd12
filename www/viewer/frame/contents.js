// A table of contents beside what is shown, behind a button; there is none while it is empty.

import { make } from "./dom.js";

/** Windows that are wide enough for it to stand beside the rest. */
const WIDE = matchMedia("(min-width: 900px)");

export class Contents {
  #go;
  #lines = [];

  /** `go(place)` brings a place into sight. */
  constructor({ texts, go }) {
    this.#go = go;
    this.element = make("nav", { class: "contents", hidden: true, "aria-label": texts.contents });
    const button = { type: "button", class: "quiet", hidden: true, "aria-expanded": "false", click: () => this.#toggle() };
    this.button = make("button", button, texts.contents);
  }

  /** Fills it with `{ title, depth, place }`; what has no place leads nowhere. */
  fill(entries) {
    if (!entries.length) return;
    this.#lines = entries.map(({ title, depth, place }) => {
      const click = () => this.#follow(place);
      const line = make("button", { type: "button", class: "contents-line", disabled: place === null, click }, title);
      line.style.paddingInlineStart = `${0.75 + Math.min(depth, 8)}rem`;
      return { line, place };
    });
    this.element.append(...this.#lines.map(({ line }) => line));
    this.button.hidden = false;
    if (WIDE.matches) this.#toggle();
  }

  /** Marks the last entry that is not after a place. */
  mark(here) {
    const last = this.#lines.findLast(({ place }) => place !== null && place <= here);
    for (const item of this.#lines) {
      if (item === last) item.line.setAttribute("aria-current", "true");
      else item.line.removeAttribute("aria-current");
    }
  }

  #follow(place) {
    if (!WIDE.matches) this.#toggle();
    this.#go(place);
  }

  #toggle() {
    this.element.hidden = !this.element.hidden;
    this.button.setAttribute("aria-expanded", String(!this.element.hidden));
  }
}
