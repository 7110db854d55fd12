// Any file as text: its lines with their numbers, of which only the rows in sight are elements.
//
// It is read a piece at a time and shown from the first on; lines that are too long go on in the next
// row (`lines.js`). Words are looked for in all that was read, and what is chosen is copied as it stands in
// the file, without the ends of rows.

import { TEXT_BYTES_MAX } from "../limits.js";
import { fill } from "../texts.js";
import { make, quietly } from "./dom.js";
import { encodingOf } from "./encoding.js";
import { MATCHES_MAX } from "./find.js";
import { Finder } from "./finder.js";
import { Lines } from "./lines.js";
import { Rows } from "./rows.js";

const ROW_PX = 22;
/** What is read at once; a file that is longer has a line that says how long, and finds words. */
const PIECE_BYTES = 512 * 1024;
const FIRST_BYTES = 128 * 1024;
const COLUMNS_MIN = 16;
const DIGITS_MIN = 3;
/** Beside the text: its number's margin and a sign that is wider than it should be. */
const AROUND_COLUMNS = 4;
/** Signs of which the width of one is told. */
const SIGNS = 100;

export async function text(shown) {
  await new View(shown).start();
}

class View {
  #shown;
  #lines = new Lines();
  #list;
  #said = make("span", { class: "soft", role: "status" });
  #finder;
  #marks = () => ({ found: [] });
  /** One cell as it is drawn. */
  #cell = make("span", { class: "text-cell", "aria-hidden": "true" }, "0".repeat(SIGNS));
  #isAllChosen = false;

  constructor(shown) {
    this.#shown = shown;
    const { root, name, size, texts, line } = shown;
    this.#list = new Rows({ count: 0, height: ROW_PX, draw: (index) => this.#draw(index), label: name });
    const failed = ({ reason }) => line.ask("failed", { reason: reason ?? "crash" });
    this.#finder = new Finder({ of: this, texts, failed });
    const find = make("button", { type: "button", class: "quiet", click: () => this.#finder.open() }, texts.find);
    const bar = size > FIRST_BYTES ? make("div", { class: "text-line" }, this.#said, find) : null;
    root.append(this.#finder.element, ...(bar ? [bar] : []), this.element);
    this.element.append(this.#cell);
    new ResizeObserver(() => this.#fit()).observe(this.element);
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("pointerdown", () => (this.#isAllChosen = false));
    root.addEventListener("copy", (event) => this.#copy(event));
  }

  /** Shows the beginning, and reads on while that is looked at. */
  async start() {
    const { size, read } = this.#shown;
    const end = Math.min(size, TEXT_BYTES_MAX);
    const bytes = await read(0, Math.min(end, FIRST_BYTES));
    const decoder = new TextDecoder(encodingOf(bytes, bytes.length >= size));
    this.#add(decoder.decode(bytes, { stream: bytes.length < size }), bytes.length >= end);
    quietly(this.element).focus();
    this.#readOn(decoder, bytes.length, end);
  }

  async #readOn(decoder, at, end) {
    const { root, size, read, texts } = this.#shown;
    let note = end < size ? texts.more : "";
    while (at < end && !this.#lines.isFull) {
      try {
        const bytes = await read(at, Math.min(end, at + PIECE_BYTES));
        at += bytes.length;
        this.#add(decoder.decode(bytes, { stream: at < size }), at >= end);
      } catch ({ reason }) {
        note = texts[reason] ?? texts.crash;
        break;
      }
    }
    if (this.#lines.isFull) note = texts.more;
    if (note) root.append(make("p", { class: "note", role: "status" }, note));
  }

  #add(text, isLast) {
    const digits = this.#digits;
    this.#lines.add(text, isLast);
    if (digits !== this.#digits || !this.#list.count) this.#fit();
    this.#list.resize(this.#lines.rows);
    this.#said.textContent = fill(this.#shown.texts.linesOf, { count: this.#lines.lines }) + (isLast ? "" : "…");
  }

  get #digits() {
    return Math.max(DIGITS_MIN, String(this.#lines.lines).length);
  }

  /** Breaks lines where the window ends; what was at the top stays there. */
  #fit() {
    const { element } = this;
    element.style.setProperty("--digits", `${this.#digits}ch`);
    const cell = this.#cell.getBoundingClientRect().width / SIGNS;
    if (!cell || !element.clientWidth) return;
    const columns = Math.max(COLUMNS_MIN, Math.floor(element.clientWidth / cell) - this.#digits - AROUND_COLUMNS - 2);
    if (columns === this.#lines.columns) return;
    const { at } = this.#list.count ? this.#lines.row(this.#list.first) : { at: 0 };
    this.#lines.columns = columns;
    this.#list.resize(this.#lines.rows);
    if (at) this.#list.show(this.#lines.rowAt(at));
    this.#list.redraw();
  }

  #draw(index) {
    const { number, at, text } = this.#lines.row(index);
    const { found, current } = this.#marks(this.#lines.partOf(at));
    const words = make("span", { class: "text-words", "data-at": String(at) });
    let end = 0;
    for (const match of found) {
      const [from, to] = [match.at - at, match.at - at + match.length];
      if (to <= end) continue;
      if (from >= text.length) break;
      words.append(text.slice(end, Math.max(from, end)), make("mark", { class: match === current && "current" }, text.slice(Math.max(from, end), to)));
      end = Math.min(to, text.length);
    }
    words.append(text.slice(end));
    return [make("span", { class: "text-number", "aria-hidden": "true" }, number ? String(number) : ""), words];
  }

  get element() {
    return this.#list.element;
  }

  /** What the finder looks through: a part is a piece that was read. */
  get count() {
    return this.#lines.parts;
  }

  get current() {
    return this.#list.count ? this.#lines.partOf(this.#lines.row(this.#list.first).at) : 0;
  }

  async find(part, words) {
    // Whoever types the next letter comes between.
    await new Promise((resolve) => setTimeout(resolve));
    return this.#lines.find(part, words, MATCHES_MAX);
  }

  reveal(_, { at }) {
    this.#list.reveal(this.#lines.rowAt(at));
  }

  markWith(marks) {
    this.#marks = marks;
    this.#list.redraw();
  }

  #key(event) {
    const { key, ctrlKey, metaKey, target } = event;
    if (!(ctrlKey || metaKey) || target.matches("input")) return;
    if (key.toLowerCase() === "f") this.#finder.open();
    else if (key.toLowerCase() === "a") {
      getSelection().selectAllChildren(this.element);
      this.#isAllChosen = true;
    } else return;
    event.preventDefault();
  }

  #copy(event) {
    const selection = getSelection();
    if (selection.isCollapsed || event.target.matches?.("input")) return;
    const { startContainer, startOffset, endContainer, endOffset } = selection.getRangeAt(0);
    const start = this.#isAllChosen ? 0 : placeOf(startContainer, startOffset);
    const end = this.#isAllChosen ? this.#lines.chars : placeOf(endContainer, endOffset);
    if (start === null || end === null) return;
    event.preventDefault();
    event.clipboardData.setData("text/plain", this.#lines.slice(start, end));
  }
}

/** Which sign of the file a place in the window is; null where it is none. */
function placeOf(node, offset) {
  const words = (node.closest ? node : node.parentElement).closest(".row")?.querySelector(".text-words");
  if (!words) return null;
  const before = document.createRange();
  before.selectNodeContents(words);
  before.setEnd(node, offset);
  return Number(words.dataset.at) + String(before).length;
}
