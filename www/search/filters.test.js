import assert from "node:assert/strict";
import { test } from "node:test";

import { parted, said } from "./filters.js";

test("labels are taken out of a query, and the words stay", () => {
  assert.deepEqual(parted("plan"), { words: "plan", labels: [] });
  assert.deepEqual(parted('is:starred tag:boat  tag:"summer holiday" plan b'), { words: "plan b", labels: ["", "boat", "summer holiday"] });
  assert.deepEqual(parted("tag:假期"), { words: "", labels: ["假期"] });
});

test("what is not typed to its end asks for what it says so far", () => {
  assert.deepEqual(parted('tag:"summer ho'), { words: "", labels: ["summer ho"] });
  assert.deepEqual(parted("tag:"), { words: "tag:", labels: [] });
  assert.deepEqual(parted('tag:""'), { words: "", labels: [] });
});

test("what only looks like one is a word", () => {
  assert.deepEqual(parted("vintage:1970 is:new"), { words: "vintage:1970 is:new", labels: [] });
});

test("a label is said so that it is read again", () => {
  for (const label of ["", "boat", "summer holiday"]) assert.deepEqual(parted(said(label)).labels, [label]);
});
