import assert from "node:assert/strict";
import { test } from "node:test";

import { sumOf } from "./sum.js";
import { TEXTS } from "./texts.js";

/** Pages by folder and by what they come after. */
const PAGES = {
  top: [2, 30, ["a", "b"], "more"],
  "top more": [1, 5, [], null],
  a: [0, 0, ["c"], null],
  b: [3, 9, [], null],
  c: [1, 1, [], null],
};
const ask = async (_, node, after) => PAGES[after ? `${node} ${after}` : node] ?? [];

test("all pages of all folders below are counted once", async () => {
  const told = [];
  await sumOf("top", ask, (sum) => told.push({ ...sum }));
  assert.deepEqual(told.at(-1), { files: 7, bytes: 45, folders: 3, whole: true, done: true });
  assert.ok(told.slice(0, -1).every(({ done }) => !done));
});

test("counting ends when nobody looks any more", async () => {
  let asked = 0;
  await sumOf("top", (...about) => ((asked += 1), ask(...about)), () => false);
  assert.equal(asked, 1);
});

test("a folder that cannot be counted is told", async () => {
  let last;
  await sumOf("nowhere", ask, (sum) => (last = sum));
  assert.deepEqual([last.whole, last.done], [false, true]);
});

test("both languages have the same texts", () => {
  assert.deepEqual(Object.keys(TEXTS.zh).sort(), Object.keys(TEXTS.en).sort());
});
