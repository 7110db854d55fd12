import assert from "node:assert/strict";
import { test } from "node:test";

import { breaksOf, Lines } from "./lines.js";

/** The lines of some pieces, in rows of so many cells. */
function linesOf(pieces, columns = 80) {
  const lines = new Lines();
  lines.columns = columns;
  pieces.forEach((piece, at) => lines.add(piece, at === pieces.length - 1));
  return lines;
}

const rowsOf = (lines) => Array.from({ length: lines.rows }, (_, index) => lines.row(index));
const printed = (lines) => rowsOf(lines).map(({ number, text }) => `${number || ""}|${text}`);

test("lines have their numbers, wherever pieces and line ends fall", () => {
  const expected = ["1|one", "2|", "3|three", "4|four"];
  assert.deepEqual(printed(linesOf(["one\n\nthree\nfour"])), expected);
  assert.deepEqual(printed(linesOf(["one\r\n\r", "\nth", "ree\r\nfo", "ur\n"])), expected);
  assert.equal(linesOf(["one\n", "\nthree\nfo", "ur\n"]).lines, 4);
  assert.equal(linesOf([""]).rows, 0);
});

test("a row ends between words, a long word where it must, wide signs count twice", () => {
  assert.deepEqual(printed(linesOf(["the tide is high\nlow"], 9)), ["1|the tide ", "|is high", "2|low"]);
  assert.deepEqual(printed(linesOf(["abcdefghij"], 4)), ["1|abcd", "|efgh", "|ij"]);
  assert.deepEqual(printed(linesOf(["水深水深水"], 4)), ["1|水深", "|水深", "|水"]);
  assert.deepEqual(breaksOf("\tab\tc", 8), [0, 1, 4]);
  assert.deepEqual(printed(linesOf(["🌊🌊🌊"], 4)), ["1|🌊🌊", "|🌊"]);
});

test("nothing is lost or doubled, at any width, in any pieces", () => {
  const text = Array.from({ length: 300 }, (_, line) => `${line} ${"wave 🌊 水 ".repeat(line % 40)}${"x".repeat(line * 20)}`).join("\n");
  for (const size of [7, 1000, 1_000_000]) {
    const pieces = [];
    for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
    const lines = linesOf(pieces, 33);
    for (const columns of [33, 20, 120]) {
      lines.columns = columns;
      const rows = rowsOf(lines);
      assert.equal(rows.map(({ number, text }, at) => (number && at ? "\n" : "") + text).join(""), text);
      for (const [index, { at, text: own }] of rows.entries()) {
        assert.equal(text.slice(at, at + own.length), own);
        assert.equal(lines.rowAt(at), index);
      }
      assert.equal(lines.slice(100, 5000), text.slice(100, 5000));
    }
  }
});

test("words are found whatever their case, and signs are no pattern", () => {
  const lines = linesOf(["Tide (1)\n", "tide (2)\nTIDE\n"]);
  const found = (words, most = 10) => Array.from({ length: lines.parts }, (_, part) => lines.find(part, words, most)).flat();
  assert.deepEqual(found("tide").map(({ at }) => lines.rowAt(at)), [0, 1, 2]);
  assert.deepEqual(found("(1)"), [{ at: 5, length: 3 }]);
  assert.equal(lines.find(1, "tide", 1).length, 1);
  assert.deepEqual(found(".*"), []);
});

test("a line of megabytes is walked a stretch at a time", () => {
  const lines = linesOf(["word ".repeat(400_000)], 100);
  assert.equal(lines.lines, 1);
  assert.ok(lines.rows >= 20_000);
  const begin = performance.now();
  for (let index = 0; index < 200; index += 1) lines.row(lines.rows - 1 - index);
  assert.ok(performance.now() - begin < 1_000);
});
