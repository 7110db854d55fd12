// A list of any number of rows, of which only those in sight are elements.
//
// `draw(index, row)` makes what is in a row of `height` pixels; it may return a promise, until whose end
// the place stays empty. A list that is taller than a browser can scroll is scrolled in larger
// steps.

import { make } from "./dom.js";

/** Browsers end a page somewhere above this. */
const TALL_PX = 8_000_000;
/** Rows beyond the edges that are drawn as well. */
const BEYOND = 8;

export class Rows {
  #space = make("div", { class: "rows-space" });
  #drawn = new Map();
  #frame = 0;

  constructor({ count, height, draw, label, role = "list" }) {
    Object.assign(this, { height, draw });
    this.element = make("div", { class: "rows", role, "aria-label": label, tabindex: "0", scroll: () => this.#request() }, this.#space);
    this.resize(count);
    new ResizeObserver(() => this.#request()).observe(this.element);
  }

  /** Has another number of rows from now on. */
  resize(count) {
    this.count = count;
    this.#space.style.height = `${Math.min(count * this.height, TALL_PX)}px`;
    this.#request();
  }

  /** Draws anew what is in sight. */
  redraw() {
    for (const row of this.#drawn.values()) row.remove();
    this.#drawn.clear();
    this.#update();
  }

  /** The first row in sight. */
  get first() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    const whole = this.count * this.height;
    if (whole <= TALL_PX) return Math.floor(scrollTop / this.height);
    const share = scrollTop / Math.max(1, scrollHeight - clientHeight);
    return Math.round(share * Math.max(0, this.count - Math.floor(clientHeight / this.height)));
  }

  /** Brings a row into sight. */
  show(index) {
    const { scrollHeight, clientHeight } = this.element;
    const whole = this.count * this.height;
    const last = Math.max(1, this.count - Math.floor(clientHeight / this.height));
    this.element.scrollTop = whole <= TALL_PX ? index * this.height : (index / last) * (scrollHeight - clientHeight);
    this.#request();
  }

  /** Brings a row into sight by as little as that takes; a head of one row stands above. */
  reveal(index) {
    const fits = Math.max(1, Math.floor(this.element.clientHeight / this.height) - 1);
    const { first } = this;
    const isCut = this.element.scrollTop % this.height > 0;
    if (index < first || (isCut && index === first)) this.show(index);
    else if (index >= first + fits) this.show(index - fits + 1);
  }

  #request() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#update();
    });
  }

  #update() {
    const { scrollTop, clientHeight } = this.element;
    const tall = this.count * this.height > TALL_PX;
    const first = this.first;
    const start = Math.max(0, first - BEYOND);
    const end = Math.min(this.count, first + Math.ceil(clientHeight / this.height) + BEYOND);
    for (const [index, row] of this.#drawn) {
      if (index >= start && index < end) continue;
      row.remove();
      this.#drawn.delete(index);
    }
    for (let index = start; index < end; index++) {
      const row = this.#drawn.get(index) ?? this.#add(index);
      const top = tall ? scrollTop + (index - first) * this.height : index * this.height;
      row.style.transform = `translateY(${top}px)`;
    }
  }

  #add(index) {
    const row = make("div", { class: "row", role: this.element.getAttribute("role") === "list" ? "listitem" : "row" });
    this.#drawn.set(index, row);
    this.#space.append(row);
    const made = this.draw(index, row);
    if (made instanceof Promise) made.then((children) => row.append(...children), () => {});
    else row.append(...made);
    return row;
  }
}
