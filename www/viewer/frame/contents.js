// A table of contents beside what is shown; there is none while it is empty.

import { make, sign } from "./dom.js";
import { Panel } from "./panel.js";

export class Contents extends Panel {
  #go;
  #lines = [];

  /** `go(place)` brings a place into sight. */
  constructor({ texts, go, opens }) {
    super({ name: texts.contents, signs: sign("contents", texts.contents), opens });
    this.#go = go;
    this.button.hidden = true;
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
    if (this.isBeside) this.open();
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
    this.leave();
    this.#go(place);
  }
}
