// A long text as the rows of a window: where its lines are, and where one breaks that is too long.
//
// The text comes in pieces, which are kept as they are. Its lines are cut into stretches that are never
// long, so that no row is found by walking a long line; of each stretch it is known where it begins, the
// number of its line (0 where it goes on with one), how many cells of a fixed width it takes, and its
// first row. A row ends between words where it can.

/** A longer line is several stretches. */
const STRETCH_CHARS = 4096;
/** More of them are not kept: each costs some twenty bytes beside its text. */
const STRETCHES_MAX = 4_000_000;
const TAB_CELLS = 8;
/** Where the rows begin of what is one. */
const ONE = [0];
/** Signs that are as wide as two, by their first and last. */
const WIDE = [
  [0x1100, 0x115f],
  [0x2e80, 0xa4cf],
  [0xac00, 0xd7a3],
  // The first half of a sign of two: an emoji, mostly.
  [0xd800, 0xdbff],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
];
/** Signs that have no width. */
const NARROW = [
  [0x300, 0x36f],
  [0x200b, 0x200f],
  [0xdc00, 0xdfff],
  [0xfe00, 0xfe0f],
];

export class Lines {
  #pieces = [];
  #places = [];
  #starts = [];
  #numbers = [];
  #cells = [];
  #tops = [];
  /** What has no end of a line yet. */
  #rest = "";
  /** The last line goes on in the next piece. */
  #goesOn = false;
  #chars = 0;
  #columns = 80;

  /** How many there are so far. */
  rows = 0;
  lines = 0;

  get isFull() {
    return this.#starts.length >= STRETCHES_MAX;
  }

  get columns() {
    return this.#columns;
  }

  /** Breaks all lines anew, after so many cells. */
  set columns(columns) {
    this.#columns = columns;
    this.rows = 0;
    for (let at = 0; at < this.#tops.length; at += 1) {
      this.#tops[at] = this.rows;
      this.rows += this.#breaks(at).length;
    }
  }

  /** Adds what comes next; `isLast` if nothing does after it. */
  add(text, isLast) {
    const all = this.#rest + text;
    let end = isLast ? all.length : all.lastIndexOf("\n") + 1 || all.length;
    // Two halves of a sign stay together.
    if (end < all.length || !isLast) end -= isIn([[0xd800, 0xdbff]], all.charCodeAt(end - 1));
    this.#rest = all.slice(end);
    if (end > 0) this.#take(all.slice(0, end));
  }

  #take(text) {
    const at = this.#chars;
    this.#pieces.push(text);
    this.#places.push(at);
    this.#chars += text.length;
    let start = 0;
    let cells = 0;
    for (let place = 0; place < text.length && !this.isFull; place += 1) {
      const code = text.charCodeAt(place);
      if (place - start >= STRETCH_CHARS && cellsOf(code, 0)) {
        this.#put(at + start, at + place, cells, true);
        start = place;
        cells = 0;
      }
      cells += cellsOf(code, cells);
      if (code !== 10) continue;
      this.#put(at + start, at + place + 1, cells, false);
      start = place + 1;
      cells = 0;
    }
    if (start < text.length && !this.isFull) this.#put(at + start, this.#chars, cells, true);
  }

  #put(start, end, cells, goesOn) {
    this.#starts.push(start);
    this.#cells.push(cells);
    this.#numbers.push(this.#goesOn ? 0 : ++this.lines);
    this.#tops.push(this.rows);
    this.#goesOn = goesOn;
    this.rows += this.#breaks(this.#starts.length - 1, end).length;
  }

  /** Where the rows of a stretch begin in it. */
  #breaks(stretch, end) {
    return this.#cells[stretch] <= this.#columns ? ONE : breaksOf(this.#text(stretch, end), this.#columns);
  }

  /** A stretch without the end of its line. */
  #text(stretch, end = this.#starts[stretch + 1] ?? this.#chars) {
    const start = this.#starts[stretch];
    const piece = lastUpTo(this.#places, start);
    const from = this.#places[piece];
    return this.#pieces[piece].slice(start - from, end - from).replace(/\r?\n$/, "");
  }

  /** A row: its text, where that begins, and the number of its line if it is the first of one. */
  row(index) {
    const stretch = lastUpTo(this.#tops, index);
    const breaks = this.#breaks(stretch);
    const nth = index - this.#tops[stretch];
    const text = this.#text(stretch).slice(breaks[nth], breaks[nth + 1]);
    return { number: nth ? 0 : this.#numbers[stretch], at: this.#starts[stretch] + breaks[nth], text };
  }

  /** The row in which a place is. */
  rowAt(at) {
    const stretch = lastUpTo(this.#starts, at);
    return this.#tops[stretch] + lastUpTo(this.#breaks(stretch), at - this.#starts[stretch]);
  }

  /** The text between two places. */
  slice(start, end) {
    let text = "";
    for (let piece = lastUpTo(this.#places, start); piece < this.#pieces.length && this.#places[piece] < end; piece += 1) {
      const from = this.#places[piece];
      text += this.#pieces[piece].slice(Math.max(0, start - from), end - from);
    }
    return text;
  }

  get chars() {
    return this.#chars;
  }

  /** How many pieces there are, which one a place is in, and where in one words stand, whatever their case. */
  get parts() {
    return this.#pieces.length;
  }

  partOf(at) {
    return lastUpTo(this.#places, at);
  }

  find(part, words, most) {
    const found = [];
    const wanted = new RegExp(words.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu");
    for (const { index, 0: match } of this.#pieces[part].matchAll(wanted)) {
      found.push({ at: this.#places[part] + index, length: match.length });
      if (found.length === most) break;
    }
    return found;
  }
}

/** The place of the last number of a sorted list that is not above another. */
function lastUpTo(list, number) {
  let first = 0;
  let end = list.length;
  while (end - first > 1) {
    const middle = (first + end) >> 1;
    if (list[middle] <= number) first = middle;
    else end = middle;
  }
  return first;
}

/** How many cells a sign takes, at a column. */
function cellsOf(code, column) {
  if (code < 0x300) return code === 9 ? TAB_CELLS - (column % TAB_CELLS) : code === 10 || code === 13 ? 0 : 1;
  return isIn(NARROW, code) ? 0 : isIn(WIDE, code) ? 2 : 1;
}

function isIn(ranges, code) {
  return ranges.some(([first, last]) => code >= first && code <= last);
}

/** Where the rows of a text begin that takes more cells than one has. */
export function breaksOf(text, columns) {
  const breaks = [0];
  let start = 0;
  let column = 0;
  /** Where the row could end, behind a space. */
  let space = 0;
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    const cells = cellsOf(code, column);
    if (column + cells > columns && place > start) {
      start = space > start ? space : place;
      breaks.push(start);
      column = 0;
      for (let before = start; before < place; before += 1) column += cellsOf(text.charCodeAt(before), column);
    }
    column += cellsOf(code, column);
    if (code === 32 || code === 9) space = place + 1;
  }
  return breaks;
}
