// The line in which words are looked for, page by page from the one in sight.
//
// The texts of pages are asked for one at a time, between drawings, and kept; the first
// match is shown as soon as it is known, the count grows.

import { make } from "../dom.js";
import { index, matches, MATCHES_MAX } from "./find.js";

/** Pages whose text is kept for the next search. */
const TEXTS_KEPT_MAX = 2000;

export class Finder {
  #pages;
  #ask;
  #texts;
  #failed;
  #input;
  #count = make("output", { class: "pdf-count" });
  #kept = new Map();
  /** Matches by page, and which one is current. */
  #found = new Map();
  #current = null;
  /** Tells a search from the one before. */
  #turn = 0;
  #done = true;

  constructor({ pages, ask, texts, failed }) {
    this.#pages = pages;
    this.#ask = ask;
    this.#texts = texts;
    this.#failed = failed;
    const input = () => this.#search();
    this.#input = make("input", { class: "input", type: "search", "aria-label": texts.find, input });
    const tool = (sign, label, click) =>
      make("button", { type: "button", class: "quiet only", "aria-label": label, title: label, click }, sign);
    this.element = make(
      "div",
      { class: "tools", role: "search", hidden: true },
      this.#input,
      this.#count,
      tool("↑", texts.findBefore, () => this.#step(-1)),
      tool("↓", texts.findNext, () => this.#step(1)),
      tool("✕", texts.close, () => this.#close()),
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#step(event.shiftKey ? -1 : 1);
      else if (event.key === "Escape") this.#close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  open() {
    this.element.hidden = false;
    this.#input.focus();
    this.#input.select();
  }

  #close() {
    this.element.hidden = true;
    this.#input.value = "";
    this.#search();
    this.#pages.element.focus();
  }

  async #search() {
    const turn = ++this.#turn;
    const words = this.#input.value;
    this.#found = new Map();
    this.#current = null;
    this.#done = !words.trim();
    this.#show();
    if (this.#done) return;
    const start = this.#pages.current;
    let total = 0;
    try {
      for (let away = 0; away < this.#pages.count && total < MATCHES_MAX; away += 1) {
        const page = (start + away) % this.#pages.count;
        const text = await this.#textOf(page);
        if (turn !== this.#turn) return;
        const found = matches(text, words);
        if (!found.length) continue;
        this.#found.set(page, found);
        total += found.length;
        if (!this.#current) this.#choose(page, 0);
        else this.#show();
      }
    } catch (error) {
      return this.#failed(error);
    }
    this.#done = true;
    this.#show();
  }

  async #textOf(page) {
    const kept = this.#kept.get(page);
    if (kept) return kept;
    const { data } = await this.#ask({ text: { page } });
    const text = index(data);
    if (this.#kept.size >= TEXTS_KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value);
    this.#kept.set(page, text);
    return text;
  }

  #all() {
    const pages = [...this.#found.keys()].sort((a, b) => a - b);
    return pages.flatMap((page) => this.#found.get(page).map((pieces, at) => ({ page, at, pieces })));
  }

  #step(direction) {
    const all = this.#all();
    if (!all.length) return;
    const here = all.findIndex(({ pieces }) => pieces === this.#current?.pieces);
    const { page, at } = all[(here + direction + all.length) % all.length];
    this.#choose(page, at);
  }

  #choose(page, at) {
    this.#current = { page, pieces: this.#found.get(page)[at] };
    this.#show();
    this.#pages.reveal(page);
  }

  #show() {
    const all = this.#all();
    const here = all.findIndex(({ pieces }) => pieces === this.#current?.pieces) + 1;
    const more = this.#done ? "" : "…";
    this.#count.textContent =
      this.#done && !all.length && this.#input.value.trim()
        ? this.#texts.findNothing
        : all.length
          ? `${here} / ${all.length}${more}`
          : more;
    this.#pages.markWith((page) => ({
      found: this.#found.get(page) ?? [],
      current: this.#current?.pieces,
    }));
  }
}
