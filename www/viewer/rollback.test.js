import assert from "node:assert/strict";
import { test } from "node:test";

import { choose, failed, worked } from "./rollback.js";

const breaks = (record, version, ...files) => files.reduce((known, file) => failed(known, version, file), record);

test("a device that knows nothing runs the current version", () => {
  assert.equal(choose(undefined, "new"), "new");
});

test("a version that breaks down on three files is rolled back to the one that was good", () => {
  const record = breaks(worked(undefined, "old"), "new", "a", "b");
  assert.equal(choose(record, "new"), "new");
  assert.equal(choose(failed(record, "new", "c"), "new"), "old");
});

test("one hostile file, however often it is opened, rolls nothing back", () => {
  assert.equal(choose(breaks(worked(undefined, "old"), "new", "a", "a", "a", "a"), "new"), "new");
});

test("a file that opens between gives a version its credit back", () => {
  const record = worked(breaks(worked(undefined, "old"), "new", "a", "b"), "new");
  assert.equal(choose(failed(record, "new", "c"), "new"), "new");
});

test("without a version that was good there is nothing to roll back to", () => {
  assert.equal(choose(breaks(undefined, "new", "a", "b", "c"), "new"), "new");
});

test("the version before goes on while the new one is set aside, and a newer one is tried", () => {
  const record = worked(breaks(worked(undefined, "old"), "new", "a", "b", "c"), "old");
  assert.equal(choose(record, "new"), "old");
  assert.equal(choose(failed(record, "old", "d"), "new"), "old");
  assert.equal(choose(record, "newer"), "newer");
});
