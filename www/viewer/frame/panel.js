// What stands beside what is shown, behind a button; in a narrow window over it.

import { make } from "./dom.js";

/** Windows that are wide enough for it to stand beside the rest. */
const WIDE = matchMedia("(min-width: 900px)");

export class Panel {
  #opens;

  /** `opens()` is called as it opens; the button shows `signs`. */
  constructor({ name, signs, opens = () => {} }) {
    this.#opens = opens;
    this.element = make("nav", { class: "contents", hidden: true, "aria-label": name });
    const click = () => (this.isOpen ? this.close() : this.open());
    this.button = make("button", { type: "button", class: "quiet only", "aria-expanded": "false", "aria-label": name, title: name, click }, ...signs);
  }

  get isOpen() {
    return !this.element.hidden;
  }

  get isBeside() {
    return WIDE.matches;
  }

  open() {
    this.element.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.#opens();
  }

  close() {
    if (this.element.contains(document.activeElement)) this.button.focus();
    this.element.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  /** Somebody goes where it leads: it stays if it hides nothing. */
  leave() {
    if (!this.isBeside) this.close();
  }
}
