// Tables of Markdown: kept in line, and walked cell by cell with Tab.
//
// A table is found by its node in the syntax tree, so that what merely looks like one (in a block
// of code) is left alone. Tables inside quotes and lists are left alone too, and those of files with
// the line ends of another system, which the grammar takes for words.

import { syntaxTree } from "@codemirror/language";

/** Larger tables are not put in line: it would rewrite too much at a key. */
const LINES_MAX = 1_000;
/** Wider cells are not waited for by the others. */
const WIDTH_MAX = 60;

const NO_WIDTH = /[\p{Mn}\p{Me}\u200b-\u200d\ufe0e\ufe0f]/u;
const TWO_WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;

/** How many columns of a fixed font a text takes. */
export function widthOf(text) {
  let width = 0;
  for (const character of text) {
    if (!NO_WIDTH.test(character)) width += TWO_WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** The cells of a row, without the spaces around them; `\|` does not end one. */
export function cellsOf(row) {
  const cells = row.trim().replace(/^\|/, "").split(/(?<!\\)\|/);
  if (cells.length > 1 && cells.at(-1).trim() === "") cells.pop();
  return cells.map((cell) => cell.trim());
}

const sideOf = (rule) => (rule.startsWith(":") ? 1 : 0) + (rule.endsWith(":") ? 2 : 0);

/** A cell filled up to a width; `side` is 0 or 1 for left, 2 for right, 3 for the middle. */
function filled(cell, width, side) {
  const room = Math.max(0, width - widthOf(cell));
  const before = side === 2 ? room : side === 3 ? Math.floor(room / 2) : 0;
  return " ".repeat(before) + cell + " ".repeat(room - before);
}

/** The rows of a table in line; its second row tells the sides. */
export function inLine(rows) {
  const cells = rows.map(cellsOf);
  const count = Math.max(...cells.map((row) => row.length));
  const sides = Array.from({ length: count }, (_, column) => sideOf(cells[1][column] ?? ""));
  const written = cells.filter((_, row) => row !== 1);
  const widths = sides.map((_, column) => {
    const all = written.map((row) => widthOf(row[column] ?? "")).filter((width) => width <= WIDTH_MAX);
    return Math.max(3, ...all);
  });
  return cells.map((row, at) => {
    const columns = sides.map((side, column) => {
      const width = widths[column];
      if (at !== 1) return filled(row[column] ?? "", width, side);
      const [left, right] = [side & 1 ? ":" : "-", side & 2 ? ":" : "-"];
      return left + "-".repeat(width - 2) + right;
    });
    return `| ${columns.join(" | ")} |`;
  });
}

/** The table around a position: `{from, to, first, rows}` with the number of its first line, or null. */
export function tableAt(state, at) {
  const tree = syntaxTree(state);
  for (let node = tree.resolveInner(at, -1); node; node = node.parent) {
    if (node.name !== "Table") continue;
    const [first, last] = [state.doc.lineAt(node.from), state.doc.lineAt(node.to)];
    const count = last.number - first.number + 1;
    if (node.from !== first.from || count < 2 || count > LINES_MAX) return null;
    const rows = Array.from({ length: count }, (_, n) => state.doc.line(first.number + n).text);
    return { from: first.from, to: last.to, first: first.number, rows };
  }
  return null;
}

/** Where a cell's content begins in a row that is in line. */
function startOf(row, column) {
  let at = 0;
  for (const match of row.matchAll(/(?<!\\)\|/g)) {
    if (at++ === column) return match.index + 2;
  }
  return row.length;
}

/** Puts the table at the cursor in line and goes `by` cells on; beyond the last begins a new row. */
function goes(by) {
  return ({ state, dispatch }) => {
    const { main, ranges } = state.selection;
    const table = ranges.length === 1 && !state.readOnly ? tableAt(state, main.head) : null;
    if (!table) return false;
    const line = state.doc.lineAt(main.head);
    const rows = [...table.rows];
    const before = line.text.slice(0, main.head - line.from).trim().replace(/^\|/, "");
    let column = before.split(/(?<!\\)\|/).length - 1 + by;
    let row = line.number - table.first;
    const count = Math.max(...rows.map((text) => cellsOf(text).length));
    if (column >= count) [row, column] = [row + 1, 0];
    if (column < 0) [row, column] = [row - 1, count - 1];
    // The rule under the head is no place to type.
    if (row === 1) row += by;
    if (row < 0) return false;
    if (row === rows.length) rows.push("|");
    const aligned = inLine(rows);
    const text = aligned[row];
    const start = startOf(text, column);
    const cell = /^.*?(?=\s*(?<!\\)\|)/.exec(text.slice(start))?.[0].trimEnd() ?? "";
    const padding = cell.length - cell.trimStart().length;
    const offset = aligned.slice(0, row).reduce((sum, { length }) => sum + length + 1, table.from);
    dispatch(
      state.update({
        changes: changed(table, aligned),
        selection: { anchor: offset + start + padding, head: offset + start + cell.length },
        userEvent: "input.table",
        scrollIntoView: true,
      }),
    );
    return true;
  };
}

/** Only the rows that differ: what others type in the rest is left alone. */
function changed(table, aligned) {
  const changes = [];
  let from = table.from;
  for (const [at, text] of table.rows.entries()) {
    if (text !== aligned[at]) changes.push({ from, to: from + text.length, insert: aligned[at] });
    from += text.length + 1;
  }
  for (const text of aligned.slice(table.rows.length)) {
    changes.push({ from: table.to, insert: `\n${text}` });
  }
  return changes;
}

export const nextCell = goes(1);
export const previousCell = goes(-1);

/** Begins a table on a line of its own, with the first name selected. */
export function insertTable(names) {
  return ({ state, dispatch }) => {
    if (state.readOnly || tableAt(state, state.selection.main.head)) return false;
    const line = state.doc.lineAt(state.selection.main.head);
    const rows = inLine([`|${names.join("|")}|`, names.map(() => "|-").join(""), names.map(() => "|").join("")]);
    const lead = line.text.trim() ? "\n\n" : "";
    const after = line.number < state.doc.lines && state.doc.line(line.number + 1).text.trim() ? "\n" : "";
    const start = line.to + lead.length + 2;
    dispatch(
      state.update({
        changes: { from: line.to, insert: `${lead}${rows.join("\n")}${after}` },
        selection: { anchor: start, head: start + names[0].length },
        userEvent: "input.table",
        scrollIntoView: true,
      }),
    );
    return true;
  };
}
