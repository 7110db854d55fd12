// Small pictures of the pages, beside them: those in sight exist, the others are numbers.
//
// The module draws one when it has nothing else to draw. One of the pictures is a stop of Tab, that of the
// page in sight; from there arrows, Home and End lead to other pages.

import { fill } from "../../texts.js";
import { icon, make } from "../dom.js";
import { Panel } from "../panel.js";
import { reduced, rowOf } from "./layout.js";

/** Pictures that are kept, the last ones. */
const KEPT_MAX = 100;

export class Strip extends Panel {
  #ask;
  #sizes;
  #texts;
  #go;
  #wakes;
  /** How high a row is. */
  #high;
  #rows = new Map();
  #drawn = new Map();
  #current = 0;
  #all = make("div", { class: "strip-all" });

  /** `go(page)` brings a page into sight; `wakes()` is called when there may be something to draw. */
  constructor({ sizes, ask, texts, go, wakes, opens }) {
    super({ name: texts.thumbs, signs: [icon("thumbs")], opens });
    this.#ask = ask;
    this.#sizes = sizes;
    this.#texts = texts;
    this.#go = go;
    this.#wakes = wakes;
    this.#high = rowOf(sizes);
    this.#all.style.height = `${sizes.length * this.#high}px`;
    this.element.classList.add("strip");
    this.element.append(this.#all);
    this.element.addEventListener("scroll", () => this.#look(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#look()).observe(this.element);
  }

  open() {
    super.open();
    this.#reveal();
  }

  /** Marks the page in sight. */
  mark(page) {
    if (page === this.#current) return;
    const before = this.#rows.get(this.#current);
    const hadFocus = before?.contains(document.activeElement);
    before?.removeAttribute("aria-current");
    before?.setAttribute("tabindex", "-1");
    this.#current = page;
    if (this.isOpen) this.#reveal();
    if (hadFocus) this.#rows.get(page).focus({ preventScroll: true });
  }

  /** The next picture to be drawn, as a function that has it drawn; null if all in sight are. */
  next() {
    if (!this.isOpen) return null;
    const { first, last } = this.#window();
    for (let page = first; page <= last; page += 1) if (!this.#drawn.has(page)) return () => this.#draw(page);
    return null;
  }

  async #draw(page) {
    const { scale, width, height } = reduced(this.#sizes[page], devicePixelRatio);
    const { bytes } = await this.#ask({ draw: { page, scale, tile: { x: 0, y: 0, width, height } } });
    const canvas = make("canvas", { width, height });
    const rgba = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.length);
    canvas.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
    canvas.style.width = `${width / devicePixelRatio}px`;
    this.#drawn.set(page, canvas);
    this.#rows.get(page)?.prepend(canvas);
    if (this.#drawn.size <= KEPT_MAX) return;
    const old = [...this.#drawn.keys()].find((other) => !this.#rows.has(other));
    this.#drawn.delete(old);
  }

  #window() {
    const { scrollTop, clientHeight } = this.element;
    const last = Math.ceil((scrollTop + clientHeight) / this.#high) - 1;
    return { first: Math.floor(scrollTop / this.#high), last: Math.min(last, this.#sizes.length - 1) };
  }

  /** Brings the marked one into sight. */
  #reveal() {
    const top = this.#current * this.#high;
    const { element } = this;
    element.scrollTop = Math.min(Math.max(element.scrollTop, top + this.#high - element.clientHeight), top);
    this.#look();
    const row = this.#rows.get(this.#current);
    row.setAttribute("aria-current", "true");
    row.tabIndex = 0;
  }

  /** Makes what came into sight, and the one that is marked; lets go what left it. */
  #look() {
    if (!this.isOpen) return;
    const { first, last } = this.#window();
    const wanted = new Set([this.#current]);
    for (let page = first; page <= last; page += 1) wanted.add(page);
    for (const [page, row] of this.#rows) {
      if (wanted.has(page)) continue;
      row.remove();
      this.#rows.delete(page);
    }
    for (const page of wanted) if (!this.#rows.has(page)) this.#add(page);
    this.#wakes();
  }

  #add(page) {
    const label = fill(this.#texts.pageOf, { page: page + 1, count: this.#sizes.length });
    const click = () => {
      this.leave();
      this.#go(page);
    };
    const named = { type: "button", class: "strip-page", tabindex: "-1", "aria-label": label };
    const row = make("button", { ...named, click }, this.#drawn.get(page), make("span", {}, String(page + 1)));
    Object.assign(row.style, { top: `${page * this.#high}px`, height: `${this.#high}px` });
    this.#rows.set(page, row);
    this.#all.append(row);
  }

  #key(event) {
    const { ctrlKey, metaKey, altKey, shiftKey } = event;
    const last = this.#sizes.length - 1;
    const leads = { ArrowUp: this.#current - 1, ArrowDown: this.#current + 1, Home: 0, End: last }[event.key];
    if (leads === undefined || ctrlKey || metaKey || altKey || shiftKey) return;
    event.preventDefault();
    this.#go(Math.min(Math.max(leads, 0), last));
  }
}
