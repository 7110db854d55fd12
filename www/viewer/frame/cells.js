// A grid of cells, of which only the rows in sight exist: cells are chosen, looked through and copied.
//
// A row's elements are its cells that are not empty; lines between columns are drawn once
// for all rows. A text that is wider than its cell runs over the empty ones after it. What is
// chosen is a block of cells: from the one where it began to the one that the keys move.

import { fill } from "../texts.js";
import { make } from "./dom.js";
import { plain } from "./find.js";
import { Finder } from "./finder.js";
import { lettersOf, placed, tsvOf } from "./grid.js";
import { Rows } from "./rows.js";

const ROW_PX = 28;
/** Rows that are asked for at once. */
const WINDOW_ROWS = 256;
const WINDOWS_MAX = 32;
/** A column's width, in characters. */
const WIDTH_MIN = 6;
const WIDTH_USUAL = 9;
const WIDTH_MAX = 48;
/** Cells that are copied at once. */
const COPY_CELLS_MAX = 100_000;

export class Cells {
  #texts;
  #read;
  #rows;
  #first;
  #list;
  #head;
  #widths;
  #value = make("div", { class: "cells-value", role: "status" });
  #finder;
  #windows = new Map();
  #cursor = make("span", { class: "cells-cursor", "aria-hidden": "true" });
  #at = { row: 0, column: 0 };
  #from = this.#at;
  #marks = () => ({ found: [] });

  /**
   * - `rows`, `widths`, `label`: how large it is, and what it is called;
   * - `read(start, end)`: rows by their numbers, each with its cells (see `grid.js`), and merged ones;
   * - `names`: the fields of the first row, where that stays above the others as their head;
   * - `texts`, `failed(error)`.
   */
  constructor({ rows, widths, label, read, names, texts, failed }) {
    this.#texts = texts;
    this.#read = read;
    this.#rows = rows;
    this.#first = names ? 1 : 0;
    this.#widths = widths.map((chars) => Math.min(Math.max(chars || WIDTH_USUAL, WIDTH_MIN), WIDTH_MAX));
    const draw = (index, line) => this.#draw(index + this.#first, line);
    this.#list = new Rows({ count: rows - this.#first, height: ROW_PX, draw, label, role: "grid" });
    const { element } = this.#list;
    element.classList.add("cells");
    const first = `${Math.max(String(rows).length, 2) + 2}ch`;
    // Names are bold.
    const room = names ? 3 : 2;
    element.style.setProperty("--columns", `${first} ${this.#widths.map((chars) => `${chars + room}ch`).join(" ")}`);
    const said = { "aria-rowcount": rows, "aria-colcount": widths.length, "aria-multiselectable": true, "aria-activedescendant": "active" };
    for (const [name, value] of Object.entries(said)) element.setAttribute(name, String(value));
    this.#head = this.#headOf(names);
    const lines = make("div", { class: "cells-lines", "aria-hidden": "true" }, make("span"), ...widths.map(() => make("span")));
    element.prepend(this.#head);
    element.lastChild.prepend(lines);
    for (const event of ["mousedown", "mousemove"]) element.addEventListener(event, (pointed) => this.#point(pointed));
    element.addEventListener("keydown", (event) => this.#key(event));
    this.#value.setAttribute("aria-label", texts.cell);
    this.#finder = new Finder({ of: this, texts, failed });
    const find = make("button", { type: "button", class: "quiet", click: () => this.#finder.open() }, texts.find);
    this.bar = make("div", {}, this.#finder.element, make("div", { class: "cells-line" }, this.#value, find));
    this.#choose({ row: rows > 1 ? this.#first : 0, column: 0 });
  }

  get element() {
    return this.#list.element;
  }

  /** Hears a key that was pressed anywhere around it. */
  key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "f") return;
    event.preventDefault();
    this.#finder.open();
  }

  /** What the finder looks through: a part is the rows of a window. */
  get count() {
    return Math.ceil(this.#rows / WINDOW_ROWS);
  }

  get current() {
    return Math.floor(this.#at.row / WINDOW_ROWS);
  }

  async find(part, words) {
    const wanted = plain(words);
    const start = part * WINDOW_ROWS;
    const { rows } = await (this.#windows.get(start) ?? this.#read(start, start + WINDOW_ROWS));
    const all = [...rows].flatMap(([row, cells]) => cells.map(([column, , , text]) => ({ row, column, text })));
    // Few windows say it: one comparison for all their cells.
    if (!plain(all.map(({ text }) => text).join("\0")).includes(wanted)) return [];
    return all.filter(({ text }) => plain(text).includes(wanted));
  }

  reveal(_, match) {
    this.#choose(match, { moves: true });
  }

  markWith(marks) {
    this.#marks = marks;
    this.#paintAll();
  }

  /** The first row where it names the columns, else their letters. */
  #headOf(names) {
    const column = (name) => make("span", { class: "cells-name", role: names && "columnheader" }, name);
    const columns = this.#widths.map((_, at) => column(names ? (names[at] ?? "") : lettersOf(at)));
    const number = make("span", { class: "cells-number", role: names && "rowheader" }, names && "1");
    const row = names ? { role: "row", id: "row-0", "aria-rowindex": "1" } : { "aria-hidden": "true" };
    columns.forEach((one, at) => names && one.setAttribute("aria-colindex", String(at + 1)));
    return make("div", { class: "cells-head", ...row }, number, ...columns);
  }

  /** A window's rows and merged cells. */
  #window(row) {
    const start = row - (row % WINDOW_ROWS);
    let window = this.#windows.get(start);
    if (!window) {
      window = this.#read(start, start + WINDOW_ROWS);
      this.#windows.set(start, window);
      window.catch(() => this.#windows.delete(start));
      if (this.#windows.size > WINDOWS_MAX) this.#windows.delete(this.#windows.keys().next().value);
    }
    return window;
  }

  async #draw(row, line) {
    line.id = `row-${row}`;
    line.setAttribute("aria-rowindex", String(row + 1));
    const { rows, merges } = await this.#window(row);
    const cells = placed(row, rows.get(row) ?? [], merges, this.#widths).map(({ column, span, kind, bold, text, open, merged }) => {
      const name = `cell ${kind}${bold ? " bold" : ""}${open ? " open" : ""}`;
      const colspan = merged ? String(span) : undefined;
      const cell = make("span", { class: name, role: "gridcell", "aria-colindex": String(column + 1), "aria-colspan": colspan }, text);
      cell.style.gridColumn = `${column + 2} / span ${span}`;
      return cell;
    });
    line.append(make("span", { class: "cells-number", role: "rowheader" }, String(row + 1)), ...cells);
    this.#paint(line, row);
    return [];
  }

  /** The corners of what is chosen. */
  get #block() {
    const rows = [this.#at.row, this.#from.row];
    const columns = [this.#at.column, this.#from.column];
    return { top: Math.min(...rows), bottom: Math.max(...rows), left: Math.min(...columns), right: Math.max(...columns) };
  }

  #paintAll() {
    for (const line of this.element.querySelectorAll("[aria-rowindex]")) this.#paint(line, line.ariaRowIndex - 1);
  }

  /** Shows on a row what is chosen, what was found, and the cursor. */
  #paint(line, row) {
    const { top, bottom, left, right } = this.#block;
    const isIn = row >= top && row <= bottom;
    line.classList.toggle("chosen", isIn && (top < bottom || left < right));
    line.style.setProperty("--chosen", `${left + 2} / ${right + 3}`);
    const found = new Set();
    for (const match of this.#marks(Math.floor(row / WINDOW_ROWS)).found) if (match.row === row) found.add(match.column);
    const here = row === this.#at.row && this.#at.column;
    let span = 1;
    for (const cell of line.children) {
      if (!cell.ariaColIndex) continue;
      const column = cell.ariaColIndex - 1;
      cell.ariaSelected = String(isIn && column >= left && column <= right);
      cell.classList.toggle("found", found.has(column));
      cell.id = column === here ? "active" : "";
      if (column === here) span = Number(cell.ariaColSpan ?? 1);
    }
    if (here === false) return;
    this.#cursor.style.gridArea = `1 / ${here + 2} / 2 / ${here + 2 + span}`;
    line.append(this.#cursor);
  }

  /** Chooses a cell, or all up to it; brings it into sight where it moves, and says all that is in it. */
  async #choose({ row, column }, { extends: extended = false, moves = false } = {}) {
    row = Math.min(Math.max(row, 0), this.#rows - 1);
    column = Math.min(Math.max(column, 0), this.#widths.length - 1);
    this.#at = { row, column };
    if (!extended) this.#from = this.#at;
    this.#cursor.remove();
    this.#paintAll();
    if (moves) this.#reveal();
    const { rows } = await this.#window(row);
    if (this.#at.row !== row || this.#at.column !== column) return;
    const text = rows.get(row)?.find(([own]) => own === column)?.[3] ?? "";
    const { top, bottom, left, right } = this.#block;
    const name = (row, column) => `${lettersOf(column)}${row + 1}`;
    const to = top < bottom || left < right ? `:${name(bottom, right)}` : "";
    this.#value.replaceChildren(make("b", {}, name(top, left) + to), make("span", {}, text));
  }

  #reveal() {
    const { row, column } = this.#at;
    if (row >= this.#first) this.#list.reveal(row - this.#first);
    const { offsetLeft, offsetWidth } = this.#head.children[column + 1];
    const { element } = this;
    const numbers = this.#head.firstChild.offsetWidth;
    element.scrollLeft = Math.min(Math.max(element.scrollLeft, offsetLeft + offsetWidth - element.clientWidth), offsetLeft - numbers);
  }

  /** A press chooses, a pull or Shift goes on from there; a number or a name is all of its row or column. */
  #point({ type, target, clientX, button, buttons, shiftKey }) {
    const isPulled = type === "mousemove";
    const line = target.closest(".row, .cells-head");
    if (!line || button || (isPulled && !(buttons & 1))) return;
    const column = [...this.#head.children].findIndex((one) => one.getBoundingClientRect().right > clientX) - 1;
    const row = line === this.#head ? -1 : line.ariaRowIndex - 1;
    if (column === -2) return;
    if (row >= 0 && column >= 0) return this.#choose({ row, column }, { extends: isPulled || shiftKey });
    if (isPulled) return;
    this.#at = { row: row < 0 ? this.#rows - 1 : row, column: column < 0 ? this.#widths.length - 1 : column };
    this.#from = this.#at;
    this.#choose({ row: Math.max(row, 0), column: Math.max(column, 0) }, { extends: true });
  }

  #key(event) {
    const { row, column } = this.#at;
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    const isTogether = ctrlKey || metaKey;
    const last = { row: this.#rows - 1, column: this.#widths.length - 1 };
    if (isTogether && !shiftKey && "ac".includes(key.toLowerCase())) {
      event.preventDefault();
      if (key.toLowerCase() === "c") return this.#copy();
      this.#from = last;
      return this.#choose({ row: 0, column: 0 }, { extends: true });
    }
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_PX) - 2);
    const steps = {
      ArrowUp: { row: row - 1, column },
      ArrowDown: { row: row + 1, column },
      ArrowLeft: { row, column: column - 1 },
      ArrowRight: { row, column: column + 1 },
      PageUp: { row: row - page, column },
      PageDown: { row: row + page, column },
      Home: { row: ctrlKey ? 0 : row, column: 0 },
      End: { row: ctrlKey ? last.row : row, column: last.column },
    };
    if (!steps[key] || altKey || metaKey || (ctrlKey && key.startsWith("Page"))) return;
    event.preventDefault();
    this.#choose(steps[key], { extends: shiftKey, moves: true });
  }

  /** Copies what is chosen as it is shown, so that other programs take it as cells. */
  async #copy() {
    const { top, bottom, left, right } = this.#block;
    const count = (bottom - top + 1) * (right - left + 1);
    if (count > COPY_CELLS_MAX) return this.#say(fill(this.#texts.copyMany, { count: COPY_CELLS_MAX }));
    const lines = [];
    for (let start = top; start <= bottom; start += WINDOW_ROWS) {
      const end = Math.min(start + WINDOW_ROWS, bottom + 1);
      const { rows } = await this.#read(start, end);
      for (let row = start; row < end; row += 1) lines.push(tsvOf(rows.get(row) ?? [], left, right));
    }
    const text = lines.join("\n");
    const give = (event) => {
      event.preventDefault();
      event.clipboardData.setData("text/plain", text);
    };
    // The frame has no other way to the clipboard, and needs none: somebody has just asked.
    document.addEventListener("copy", give);
    const isCopied = document.execCommand("copy");
    document.removeEventListener("copy", give);
    this.#say(isCopied ? fill(this.#texts.copied, { count }) : this.#texts.copyNot);
  }

  #say(text) {
    this.#value.replaceChildren(make("span", {}, text));
  }
}
