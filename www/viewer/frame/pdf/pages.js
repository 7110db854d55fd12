// All pages below one another: those in sight exist, the others are numbers.
//
// The module answers one question at a time, so what is asked next is chosen when it is
// free: drawings of what is in sight, nearest to the middle first, then the text there, then
// the next page before anybody scrolls to it, and at last what `later` knows of.

import { fill } from "../../texts.js";
import { make } from "../dom.js";
import { index, matches } from "../find.js";
import { fitting, GAP, pageAt, pieces, PX, stack, step, within } from "./layout.js";
import { Page } from "./page.js";

/** Pages whose text is kept for the next search. */
const TEXTS_KEPT_MAX = 2000;

export class Pages {
  #ask;
  #sizes;
  #texts;
  #heard;
  #leads;
  #failed;
  #shown = new Map();
  #fit = true;
  #zoom = 1;
  #busy = false;
  #ended = false;
  #current = -1;
  /** The page that was gone to, and where that was: a short one at the end comes not as far up as others. */
  #gone = null;
  #later = () => null;
  #marks = () => ({ found: [], current: null });
  #said = new Map();
  #inside = make("div", { class: "pdf-all" });
  #stack;

  /**
   * `ask` asks the module; `heard` is told what changed: `{ page, zoom }`; `leads` gets the address of
   * a link out of the file; `failed` what the module refuses.
   */
  constructor({ sizes, ask, texts, heard, leads, failed }) {
    this.#heard = heard;
    this.#leads = leads;
    this.#failed = failed;
    this.#sizes = sizes;
    this.#stack = stack(sizes, this.#zoom);
    this.#ask = ask;
    this.#texts = texts;
    const named = { role: "document", "aria-label": texts.pages };
    this.element = make("div", { class: "pdf-pages", tabindex: 0, ...named }, this.#inside);
    this.element.addEventListener("scroll", () => this.#look(), { passive: true });
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.#resized()).observe(this.element);
    pinch(this.element, (factor, at) => this.zoomTo(this.#zoom * factor, at));
  }

  get count() {
    return this.#sizes.length;
  }

  get current() {
    return Math.max(this.#current, 0);
  }

  /** Fits the widest page into the window. */
  fit() {
    this.#fit = true;
    const at = { x: this.element.clientWidth / 2, y: 0 };
    this.#setZoom(fitting(this.#sizes, this.element.clientWidth), at);
  }

  zoomBy(direction) {
    this.zoomTo(step(this.#zoom, direction));
  }

  /** Another zoom; what is at a point of the window, its middle at first, stays there. */
  zoomTo(zoom, at) {
    this.#fit = false;
    this.#setZoom(within(this.#sizes, zoom), at);
  }

  /** Goes to a page, or so many points down on it. */
  goTo(page, down = 0) {
    const to = Math.min(Math.max(page, 0), this.count - 1);
    this.element.scrollTop = this.#stack.tops[to] + down * PX * this.#zoom - GAP;
    this.#gone = { page: to, top: this.element.scrollTop };
    this.#look();
  }

  /** What is to be marked on a page, asked whenever one comes into sight. */
  markWith(marks) {
    this.#marks = marks;
    for (const page of this.#shown.values()) this.#markOn(page, false);
  }

  /** Has something asked of the module when no page needs it: `next()` is a function for it, or null. */
  afterwards(next) {
    this.#later = next;
    this.#work();
  }

  /** There may be something to be asked afterwards. */
  wake() {
    this.#work();
  }

  /** The places on a page where it says the words. */
  async find(page, words) {
    let text = this.#said.get(page);
    if (!text) {
      const { data } = await this.#ask({ text: { page } });
      text = index(data);
      if (this.#said.size >= TEXTS_KEPT_MAX) this.#said.delete(this.#said.keys().next().value);
      this.#said.set(page, text);
    }
    return matches(text, words);
  }

  /** Brings the current match into sight. */
  reveal(number) {
    const page = this.#shown.get(number);
    if (!page) this.goTo(number);
    this.#look();
    this.#markOn(this.#shown.get(number), true);
  }

  #setZoom(zoom, at) {
    const { element } = this;
    const x = at?.x ?? element.clientWidth / 2;
    const y = at?.y ?? element.clientHeight / 2;
    const page = pageAt(this.#stack.tops, element.scrollTop + y);
    const before = this.#stack.tops[page];
    const down = element.scrollTop + y - before;
    const along = element.scrollLeft + x - this.#left();
    const factor = zoom / this.#zoom;
    this.#zoom = zoom;
    this.#stack = stack(this.#sizes, zoom);
    const widest = this.#sizes.reduce((most, [width]) => Math.max(most, width), 1);
    this.#inside.style.height = `${this.#stack.height}px`;
    this.#inside.style.width = `max(100%, ${widest * PX * zoom + 2 * GAP}px)`;
    for (const shown of this.#shown.values()) shown.place(this.#stack.tops[shown.number], zoom);
    // Gaps between pages do not grow.
    element.scrollTop = this.#stack.tops[page] + (down > 0 ? down * factor : down) - y;
    element.scrollLeft = this.#left() + along * factor - x;
    this.#look();
  }

  /** Where a page that is as wide as the widest begins. */
  #left() {
    const widest = this.#sizes.reduce((most, [width]) => Math.max(most, width), 1) * PX * this.#zoom;
    return Math.max(GAP, (this.element.clientWidth - widest) / 2);
  }

  #resized() {
    if (!this.element.clientWidth) return;
    if (this.#fit) this.fit();
    else this.#setZoom(this.#zoom, { x: 0, y: 0 });
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = this.element.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    this.zoomTo(this.#zoom * Math.exp(-event.deltaY / 300), at);
  }

  /** Makes what came into sight, lets go what left it. */
  #look() {
    const { tops } = this.#stack;
    const { scrollTop, clientHeight } = this.element;
    const first = pageAt(tops, scrollTop - clientHeight / 2);
    const last = pageAt(tops, scrollTop + clientHeight * 1.5);
    for (const [number, page] of this.#shown) {
      if (number >= first && number <= last) continue;
      page.element.remove();
      this.#shown.delete(number);
    }
    for (let number = first; number <= last; number += 1) {
      if (this.#shown.has(number)) continue;
      const page = new Page(number, this.#sizes[number], fill(this.#texts.pageOf, { page: number + 1, count: this.count }));
      page.place(tops[number], this.#zoom);
      this.#shown.set(number, page);
      // In their order, which is that of Tab.
      const below = [...this.#shown.keys()].filter((other) => other > number);
      this.#inside.insertBefore(page.element, this.#shown.get(Math.min(...below))?.element ?? null);
    }
    const isThere = this.#gone?.top === scrollTop;
    const current = isThere ? this.#gone.page : pageAt(tops, scrollTop + Math.min(clientHeight / 3, 200));
    this.#current = current;
    this.#heard({ page: current, zoom: this.#zoom });
    this.#work();
  }

  #markOn(page, scroll) {
    if (!page) return;
    const { found, current } = this.#marks(page.number);
    const shown = page.mark(found, current);
    if (scroll) shown?.scrollIntoView({ block: "center", inline: "nearest" });
  }

  /** Has the module do what is wanted most, as long as there is something. */
  async #work() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#next(); next && !this.#ended; next = this.#next()) await next();
    } catch (error) {
      this.#ended = true;
      this.#failed(error);
    } finally {
      this.#busy = false;
    }
  }

  #next() {
    if (this.#ended) return null;
    const near = [...this.#shown.values()].map((page) => ({ page, away: this.#away(page) }));
    near.sort((a, b) => a.away - b.away);
    // The sharpest that the screen shows, to three digits: the name of a drawing.
    const scale = Number((this.#zoom * PX * devicePixelRatio).toPrecision(3));
    for (const late of [false, true]) {
      const sight = near.filter(({ away }) => away > 0 === late).map(({ page }) => page);
      for (const page of sight) {
        const wanted = pieces(page.size, scale, this.#windowOn(page, scale));
        const piece = wanted.find((other) => !page.has(other, scale));
        if (piece) return () => this.#draw(page, piece, scale, wanted);
      }
      const mute = sight.find((page) => !page.hasText);
      if (mute) return () => this.#write(mute);
    }
    return this.#later();
  }

  async #draw(page, tile, scale, wanted) {
    const { bytes } = await this.#ask({ draw: { page: page.number, scale, tile } });
    page.draw(tile, scale, bytes, wanted);
  }

  async #write(page) {
    const { data } = await this.#ask({ text: { page: page.number } });
    page.write(data);
    this.#markOn(page, false);
    const { data: links } = await this.#ask({ links: { page: page.number } });
    page.link(links, this.#texts, (leads) => this.#follow(leads));
  }

  #follow({ place, address }) {
    if (address) return this.#leads(address);
    this.goTo(place.page, place.top ?? 0);
    this.element.focus();
  }

  /** How far a page is out of sight, 0 for the one in the middle, below 0 never. */
  #away({ number, size: [, height] }) {
    const { scrollTop, clientHeight } = this.element;
    const top = this.#stack.tops[number];
    const bottom = top + height * PX * this.#zoom;
    return Math.max(0, top - scrollTop - clientHeight, scrollTop - bottom);
  }

  /** What of a page is in sight, in its pixels. */
  #windowOn({ number, size: [width] }, scale) {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.element;
    const pixels = scale / (PX * this.#zoom);
    const left = Math.max(GAP, (this.#inside.clientWidth - width * PX * this.#zoom) / 2);
    const y = (scrollTop - this.#stack.tops[number]) * pixels;
    const x = (scrollLeft - left) * pixels;
    return { left: x, top: y, right: x + clientWidth * pixels, bottom: y + clientHeight * pixels };
  }
}

/** Calls with a factor while two fingers move. */
function pinch(element, zoom) {
  const fingers = new Map();
  const apart = () => {
    const [a, b] = fingers.values();
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  const point = ({ clientX, clientY }) => ({ x: clientX, y: clientY });
  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") fingers.set(event.pointerId, point(event));
  });
  element.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = fingers.size === 2 && apart();
    fingers.set(event.pointerId, point(event));
    if (!before) return;
    const [a, b] = fingers.values();
    const box = element.getBoundingClientRect();
    zoom(apart() / before, { x: (a.x + b.x) / 2 - box.left, y: (a.y + b.y) / 2 - box.top });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    element.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
}
