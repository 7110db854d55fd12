// The line in which words are looked for, part by part from the one in sight: the pages of a PDF,
// the rows of a sheet some hundred at a time.
//
// Parts are asked for one at a time, between other questions; the first match is shown as soon
// as it is known, the count grows.

import { make } from "./dom.js";
import { MATCHES_MAX } from "./find.js";

export class Finder {
  #of;
  #texts;
  #failed;
  #input;
  #count = make("output", { class: "find-count" });
  /** Matches by part, and which one is current. */
  #found = new Map();
  #current = null;
  /** Tells a search from the one before. */
  #turn = 0;
  #done = true;

  /**
   * `of` is what is looked through:
   * - `count` and `current`, its parts and the one in sight;
   * - `find(part, words)`: the matches in a part, in their order;
   * - `reveal(part, match)`: brings one into sight;
   * - `markWith(marks)`: `marks(part)` says what is to be marked in a part, from now on;
   * - `element`: has the focus when the line is closed.
   */
  constructor({ of, texts, failed }) {
    this.#of = of;
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
    this.#of.element.focus();
  }

  async #search() {
    const turn = ++this.#turn;
    const words = this.#input.value;
    this.#found = new Map();
    this.#current = null;
    this.#done = !words.trim();
    this.#show();
    if (this.#done) return;
    const start = this.#of.current;
    let total = 0;
    try {
      for (let away = 0; away < this.#of.count && total < MATCHES_MAX; away += 1) {
        const part = (start + away) % this.#of.count;
        const found = await this.#of.find(part, words);
        if (turn !== this.#turn) return;
        if (!found.length) continue;
        this.#found.set(part, found);
        total += found.length;
        if (!this.#current) this.#choose({ part, match: found[0] });
        else this.#show();
      }
    } catch (error) {
      return this.#failed(error);
    }
    this.#done = true;
    this.#show();
  }

  #all() {
    const parts = [...this.#found.keys()].sort((a, b) => a - b);
    return parts.flatMap((part) => this.#found.get(part).map((match) => ({ part, match })));
  }

  #step(direction) {
    const all = this.#all();
    if (!all.length) return;
    const here = all.findIndex(({ match }) => match === this.#current?.match);
    this.#choose(all[(here + direction + all.length) % all.length]);
  }

  #choose(chosen) {
    this.#current = chosen;
    this.#show();
    this.#of.reveal(chosen.part, chosen.match);
  }

  #show() {
    const all = this.#all();
    const here = all.findIndex(({ match }) => match === this.#current?.match) + 1;
    const more = this.#done ? "" : "…";
    this.#count.textContent =
      this.#done && !all.length && this.#input.value.trim()
        ? this.#texts.findNothing
        : all.length
          ? `${here} / ${all.length}${more}`
          : more;
    this.#of.markWith((part) => ({
      found: this.#found.get(part) ?? [],
      current: this.#current?.match,
    }));
  }
}
