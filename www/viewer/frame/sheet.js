// A workbook: its sheets as tabs, and a grid of which only the rows in sight exist.
//
// A row's elements are its cells that are not empty; lines between columns are drawn once
// for all rows. A text that is wider than its cell runs over the empty ones after it.

import { make } from "./dom.js";
import { lettersOf, placed } from "./grid.js";
import { Rows } from "./rows.js";

const ROW_PX = 28;
/** Rows that are asked for at once. */
const WINDOW_ROWS = 256;
const WINDOWS_MAX = 32;
/** A column's width, in characters. */
const WIDTH_MIN = 6;
const WIDTH_USUAL = 9;
const WIDTH_MAX = 48;

export async function sheet(shown) {
  const { root, about, texts } = shown;
  const value = make("div", { class: "sheet-value", role: "status", "aria-label": texts.cell });
  const note = make("p", { class: "note", role: "status" });
  const body = make("div", { class: "sheet-body", role: "tabpanel" });
  const tabs = about.sheets.map((name, index) =>
    make("button", { type: "button", role: "tab", class: "sheet-tab", title: name, click: () => open(index) }, name),
  );
  root.append(value, note, body, make("div", { class: "sheet-tabs", role: "tablist", "aria-label": texts.sheets }, ...tabs));
  let chosen = 0;

  async function open(index) {
    chosen = index;
    tabs.forEach((tab, place) => {
      tab.setAttribute("aria-selected", String(place === index));
      tab.tabIndex = place === index ? 0 : -1;
    });
    tabs[index].scrollIntoView({ block: "nearest", inline: "nearest" });
    body.replaceChildren();
    value.hidden = true;
    note.textContent = texts.loading;
    try {
      const { data } = await shown.ask({ sheet: { index } });
      if (chosen !== index) return;
      note.textContent = data.rows ? (data.cut ? texts.more : "") : texts.emptySheet;
      value.hidden = !data.rows;
      if (data.rows) body.append(new Grid(shown, data, about.sheets[index], value).element);
    } catch (error) {
      if (chosen === index && error.reason !== "ended") note.textContent = texts[error.reason] ?? texts.crash;
    }
  }

  root.addEventListener("keydown", (event) => {
    const { key, ctrlKey, target } = event;
    const onTabs = target.role === "tab" && { ArrowLeft: -1, ArrowRight: 1 }[key];
    const step = onTabs || (ctrlKey && { PageUp: -1, PageDown: 1 }[key]);
    if (!step) return;
    event.preventDefault();
    const next = tabs[chosen + step];
    next?.click();
    if (onTabs) next?.focus();
  });
  if (tabs.length) await open(0);
  else note.textContent = texts.emptySheet;
}

/** A sheet's rows under the letters of its columns, and the cell that was chosen. */
class Grid {
  #ask;
  #count;
  #widths;
  #value;
  #rows;
  #head;
  #windows = new Map();
  #cursor = make("span", { class: "sheet-cursor" });
  #at = { row: 0, column: 0 };

  constructor({ ask, texts }, { rows, widths }, name, value) {
    this.#ask = ask;
    this.#count = rows;
    this.#widths = widths.map((chars) => Math.min(Math.max(chars || WIDTH_USUAL, WIDTH_MIN), WIDTH_MAX));
    this.#value = value;
    const label = `${name}, ${texts.tableOf(rows, widths.length)}`;
    this.#rows = new Rows({ count: rows, height: ROW_PX, draw: (index) => this.#draw(index), label, role: "table" });
    this.element = this.#rows.element;
    const first = `${Math.max(String(rows).length, 2) + 2}ch`;
    this.element.style.setProperty("--columns", `${first} ${this.#widths.map((chars) => `${chars + 2}ch`).join(" ")}`);
    this.element.setAttribute("aria-rowcount", String(rows));
    this.element.setAttribute("aria-colcount", String(widths.length));
    const columns = () => widths.map((_, column) => make("span", {}, lettersOf(column)));
    this.#head = make("div", { class: "sheet-head", "aria-hidden": "true" }, make("span", { class: "sheet-number" }), ...columns());
    const lines = make("div", { class: "sheet-lines", "aria-hidden": "true" }, make("span"), ...widths.map(() => make("span")));
    this.element.prepend(this.#head);
    this.element.lastChild.prepend(lines);
    this.element.addEventListener("click", (event) => this.#point(event));
    this.element.addEventListener("keydown", (event) => this.#step(event));
    this.#go(this.#at);
  }

  /** A window's rows and merged cells. */
  #window(index) {
    const start = index - (index % WINDOW_ROWS);
    let window = this.#windows.get(start);
    if (!window) {
      window = this.#ask({ rows: { start, end: start + WINDOW_ROWS } }).then(({ data }) => {
        const rows = new Map();
        for (const [number, cells] of data.rows) rows.set(number, [...(rows.get(number) ?? []), ...cells]);
        return { rows, merges: data.merges };
      });
      this.#windows.set(start, window);
      window.catch(() => this.#windows.delete(start));
      if (this.#windows.size > WINDOWS_MAX) this.#windows.delete(this.#windows.keys().next().value);
    }
    return window;
  }

  async #draw(index) {
    const { rows, merges } = await this.#window(index);
    const cells = placed(index, rows.get(index) ?? [], merges, this.#widths).map(({ column, span, kind, bold, text, open, merged }) => {
      const name = `sheet-cell ${kind}${bold ? " bold" : ""}${open ? " open" : ""}`;
      const colspan = merged ? String(span) : undefined;
      const cell = make("span", { class: name, role: "cell", "aria-colindex": String(column + 1), "aria-colspan": colspan }, text);
      cell.style.gridColumn = `${column + 2} / span ${span}`;
      return cell;
    });
    const number = make("span", { class: "sheet-number", id: `row-${index}`, role: "rowheader" }, String(index + 1));
    return index === this.#at.row ? [number, ...cells, this.#marked(cells)] : [number, ...cells];
  }

  /** The cursor, around its cell, and those that are one with it. */
  #marked(cells) {
    const { column } = this.#at;
    const own = cells.find((cell) => cell.ariaColIndex === String(column + 1));
    this.#cursor.style.gridArea = `1 / ${column + 2} / 2 / ${column + 2 + Number(own?.ariaColSpan ?? 1)}`;
    return this.#cursor;
  }

  /** Chooses a cell, brings it into sight, and says all that is in it. */
  async #go({ row, column }, move = false) {
    row = Math.min(Math.max(row, 0), this.#count - 1);
    column = Math.min(Math.max(column, 0), this.#widths.length - 1);
    this.#at = { row, column };
    const line = document.getElementById(`row-${row}`)?.parentElement;
    if (line) line.append(this.#marked([...line.children]));
    else this.#cursor.remove();
    if (move) {
      this.#rows.reveal(row);
      const { offsetLeft, offsetWidth } = this.#head.children[column + 1];
      const { element } = this;
      const numbers = this.#head.firstChild.offsetWidth;
      element.scrollLeft = Math.min(Math.max(element.scrollLeft, offsetLeft + offsetWidth - element.clientWidth), offsetLeft - numbers);
    }
    const { rows } = await this.#window(row);
    if (this.#at.row !== row || this.#at.column !== column) return;
    const text = rows.get(row)?.find(([own]) => own === column)?.[3] ?? "";
    this.#value.replaceChildren(make("b", {}, `${lettersOf(column)}${row + 1}`), make("span", {}, text));
  }

  #point({ target, clientX }) {
    const number = target.closest(".row")?.querySelector(".sheet-number");
    const column = [...this.#head.children].findIndex((one) => one.getBoundingClientRect().right > clientX) - 1;
    if (number && column >= 0) this.#go({ row: Number(number.textContent) - 1, column });
  }

  #step(event) {
    const { row, column } = this.#at;
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    if (altKey || metaKey || shiftKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_PX) - 2);
    const steps = {
      ArrowUp: { row: row - 1, column },
      ArrowDown: { row: row + 1, column },
      ArrowLeft: { row, column: column - 1 },
      ArrowRight: { row, column: column + 1 },
      PageUp: { row: row - page, column },
      PageDown: { row: row + page, column },
      Home: { row: ctrlKey ? 0 : row, column: 0 },
      End: { row: ctrlKey ? this.#count - 1 : row, column: this.#widths.length - 1 },
    };
    if (!steps[key] || (ctrlKey && key.startsWith("Page"))) return;
    event.preventDefault();
    this.#go(steps[key], true);
  }
}
