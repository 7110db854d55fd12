import assert from "node:assert/strict";
import { test } from "node:test";

import { lettersOf, placed, tsvOf } from "./grid.js";

const spans = (row, cells, merges, widths = [8, 8, 8, 8]) =>
  placed(row, cells, merges, widths).map(({ column, span, text, open }) => [column, span, text, open]);
const cell = (column, text, kind = "text") => [column, kind, false, text];

test("columns have letters", () => {
  assert.deepEqual([0, 25, 26, 701, 702, 16_383].map(lettersOf), ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
});

test("a long text runs over empty cells and stops before others", () => {
  const long = "a".repeat(40);
  assert.deepEqual(spans(0, [cell(0, long), cell(2, "b")], []), [[0, 2, long, false], [2, 1, "b", false]]);
  assert.deepEqual(spans(0, [cell(0, "海海海海海")], []), [[0, 2, "海海海海海", false]]);
  assert.deepEqual(spans(0, [cell(0, "1".repeat(40), "number")], [])[0][1], 1);
});

test("merged cells are one, in each of their rows, and hide what they cover", () => {
  const merges = [[1, 0, 2, 1]];
  const row = [cell(0, "whole"), cell(1, "hidden"), cell(3, "d")];
  assert.deepEqual(spans(0, row, merges).length, 3);
  assert.deepEqual(spans(1, row, merges), [[0, 2, "whole", true], [3, 1, "d", false]]);
  assert.deepEqual(spans(2, [], merges), [[0, 2, "", false]]);
  assert.deepEqual(spans(2, [], [[2, 2, 2, 16_383], [2, 9, 2, 10]]), [[2, 2, "", false]]);
});

test("cells are copied as lines that other programs part again", () => {
  const row = [cell(0, "a"), cell(2, 'two\nlines of "c"'), cell(3, "tab\t"), cell(4, "outside")];
  assert.equal(tsvOf(row, 0, 3), 'a\t\t"two\nlines of ""c"""\t"tab\t"');
  assert.equal(tsvOf(row, 1, 1), "");
  assert.equal(tsvOf([], 0, 2), "\t\t");
});
