// A table: any number of rows, read in windows as somebody scrolls.

import { make } from "./dom.js";
import { Rows } from "./rows.js";

const ROW_PX = 32;
const WINDOW_ROWS = 256;
const WINDOWS_MAX = 32;
const WIDTH_MIN = 6;
const WIDTH_MAX = 40;

export async function table({ root, name, about, ask, texts }) {
  const windows = new Map();

  /** A row, by way of the window that it is in. */
  async function rowAt(index) {
    const start = index - (index % WINDOW_ROWS);
    let window = windows.get(start);
    if (!window) {
      window = ask({ rows: { start, end: start + WINDOW_ROWS } });
      windows.set(start, window);
      if (windows.size > WINDOWS_MAX) windows.delete(windows.keys().next().value);
    }
    return (await window).data[index - start] ?? [];
  }

  const widths = about.widths.map((width) => `${Math.min(Math.max(width, WIDTH_MIN), WIDTH_MAX) + 3}ch`);
  const columns = `${String(about.rows).length + 3}ch ${widths.join(" ")}`;
  const cells = (number, fields, role) => [
    make("span", { class: "number", role: "rowheader" }, number),
    ...fields.map((field) => make("span", { class: "cell", role, title: field.length > WIDTH_MAX && field }, field)),
  ];
  const head = make("div", { class: "row head", role: "row" }, ...cells("", about.rows ? await rowAt(0) : [], "columnheader"));
  const draw = async (index) => cells(String(index + 2), await rowAt(index + 1), "cell");
  const rows = new Rows({ count: Math.max(0, about.rows - 1), height: ROW_PX, draw, label: name, role: "table" });
  rows.element.setAttribute("aria-rowcount", String(about.rows));
  rows.element.setAttribute("aria-colcount", String(about.columns));
  rows.element.style.setProperty("--columns", columns);
  rows.element.prepend(head);
  root.append(rows.element, make("p", { class: "note" }, texts.tableOf(about.rows, about.columns)));
}
