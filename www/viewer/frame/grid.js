// The cells of a sheet's row: where they stand, and what they are as a line of text. A cell is its
// column, its kind, whether it is bold, and its text.

/** A column's letters: A, B, … Z, AA. */
export function lettersOf(column) {
  const last = String.fromCharCode(65 + (column % 26));
  return column < 26 ? last : lettersOf(Math.floor(column / 26) - 1) + last;
}

/**
 * The cells of a row with the columns that they span, by being `merged` or because their text runs
 * over the empty ones after them. One of several rows is `open` below, and blank but for its
 * first row.
 */
export function placed(row, cells, merges, widths) {
  const known = new Map(cells.map(([column, kind, bold, text]) => [column, { column, kind, bold, text }]));
  const covered = new Set();
  const all = [];
  for (const [top, left, bottom, right] of merges) {
    if (row < top || row > bottom || left >= widths.length || covered.has(left)) continue;
    const end = Math.min(right + 1, widths.length);
    for (let column = left; column < end; column++) covered.add(column);
    const own = row === top ? known.get(left) : undefined;
    all.push({ column: left, kind: "text", bold: false, text: "", ...own, span: end - left, open: row < bottom, merged: true });
  }
  for (const cell of known.values()) {
    if (covered.has(cell.column) || cell.column >= widths.length) continue;
    let span = 1;
    let room = widths[cell.column];
    const isFree = (column) => column < widths.length && !known.has(column) && !covered.has(column);
    while (cell.kind === "text" && room < roomOf(cell.text) && isFree(cell.column + span)) room += widths[cell.column + span++] + 2;
    all.push({ ...cell, span, open: false });
  }
  return all.sort((a, b) => a.column - b.column);
}

/** Cells of a row between two columns as one line; what would part a cell stands between quotes. */
export function tsvOf(cells, left, right) {
  const fields = Array.from({ length: right - left + 1 }, () => "");
  for (const [column, , , text] of cells) {
    if (column >= left && column <= right) fields[column - left] = /[\t\r\n"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
  return fields.join("\t");
}

/** How many letters' room a text takes. */
function roomOf(text) {
  let room = 0;
  for (const char of text) room += char >= "\u1100" ? 2 : 1;
  return room;
}
