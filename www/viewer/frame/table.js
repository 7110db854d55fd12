// A table: any number of rows under the first, which names the columns.

import { fill } from "../texts.js";
import { Cells } from "./cells.js";
import { focusable, make } from "./dom.js";

export async function table({ root, name, about, ask, texts, line }) {
  const { rows, columns, widths } = about;
  const read = async (start, end) => {
    const { data } = await ask({ rows: { start, end } });
    const cells = (fields) => fields.map((text, column) => [column, "text", false, text]).filter(([, , , text]) => text);
    return { rows: new Map(data.map((fields, at) => [start + at, cells(fields)])), merges: [] };
  };
  const note = make("p", { class: "note" }, fill(texts.tableOf, { rows, columns }));
  if (!rows) return root.append(note);
  const names = (await ask({ rows: { start: 0, end: 1 } })).data[0];
  const failed = ({ reason }) => line.ask("failed", { reason: reason ?? "crash" });
  const grid = new Cells({ rows, widths, label: name, read, names, texts, failed });
  root.append(grid.bar, grid.element, note);
  root.addEventListener("keydown", (event) => grid.key(event));
  focusable(root).focus();
}
