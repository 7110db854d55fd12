import assert from "node:assert/strict";
import test from "node:test";

import { index, matches } from "../find.js";
import { fitting, GAP, pageAt, pieces, PX, reduced, rowOf, stack, step, within, ZOOM_MAX } from "./layout.js";

const run = (text, joint = "none") => ({ text, joint });

test("words are found whatever their case, marks and ligatures", () => {
  const page = index([run("Eﬃcient Café")]);
  assert.deepEqual(matches(page, "efficient"), [[{ run: 0, start: 0, end: 7 }]]);
  assert.deepEqual(matches(page, "CAFE"), [[{ run: 0, start: 8, end: 12 }]]);
});

test("words are found over runs and the ends of lines", () => {
  const page = index([run("a long"), run("line", "line"), run("s", "none"), run("here", "space")]);
  assert.deepEqual(matches(page, "long lines here"), [
    [
      { run: 0, start: 2, end: 6 },
      { run: 1, start: 0, end: 4 },
      { run: 2, start: 0, end: 1 },
      { run: 3, start: 0, end: 4 },
    ],
  ]);
});

test("a word that a line's end cuts is found", () => {
  const page = index([run("hyphen-"), run("ation", "line")]);
  assert.deepEqual(matches(page, "hyphenation"), [
    [
      { run: 0, start: 0, end: 6 },
      { run: 1, start: 0, end: 5 },
    ],
  ]);
});

test("nothing is not found everywhere", () => {
  assert.deepEqual(matches(index([run("text  ")]), " "), []);
  assert.equal(matches(index([run("aaaa")]), "aa").length, 2);
});

test("pages stand below one another, and a height is on one of them", () => {
  const { tops, height } = stack([[100, 75], [100, 150]], 1);
  assert.deepEqual(tops, [GAP, 100 + 2 * GAP]);
  assert.equal(height, 300 + 3 * GAP);
  assert.equal(pageAt(tops, 0), 0);
  assert.equal(pageAt(tops, 100 + 2 * GAP), 1);
  assert.equal(pageAt(tops, 9999), 1);
});

test("a small picture of a page fits its row, whatever the page's shape", () => {
  assert.deepEqual(reduced([600, 300], 2), { scale: 0.4, width: 240, height: 120 });
  for (const size of [[595, 842], [1, 20_000], [20_000, 1], [1, 1]]) {
    const { scale, width, height } = reduced(size, 1);
    assert.ok(width >= 1 && height >= 1 && height < rowOf([size]) && scale <= 4, `${size}`);
  }
  assert.equal(rowOf([[600, 300], [300, 600]]) - rowOf([[600, 300]]), 90);
});

test("the zoom has steps and ends", () => {
  assert.equal(step(1, 1), 1.1);
  assert.equal(step(1.05, -1), 1);
  assert.equal(step(ZOOM_MAX, 1), ZOOM_MAX);
  assert.equal(fitting([[300, 10]], 400 + 2 * GAP), 400 / 300 / PX);
  const many = Array.from({ length: 20_000 }, () => [600, 800]);
  assert.ok(stack(many, within(many, 8)).height < 31_000_000);
});

test("a page that is too large for one drawing comes in pieces, those in sight", () => {
  assert.deepEqual(pieces([200, 100], 2, {}), [{ x: 0, y: 0, width: 400, height: 200 }]);
  const window = { left: 2000, top: 0, right: 3100, bottom: 1000 };
  const found = pieces([500, 500], 10, window);
  assert.deepEqual(found.map(({ x, y }) => [x, y]), [[1536, 0], [3072, 0]]);
  assert.ok(found.every(({ x, width }) => x + width <= 5000));
});
