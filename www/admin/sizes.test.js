import assert from "node:assert/strict";
import { test } from "node:test";

import { bytesOf, gigabytesOf, sizeOf } from "./sizes.js";
import { TEXTS } from "./texts.js";

test("sizes have three digits", () => {
  const cases = [[0, "0 B"], [999, "999 B"], [1000, "1.00 kB"], [1234, "1.23 kB"], [99_960, "100 kB"], [999_600, "1.00 MB"], [50e9, "50.0 GB"]];
  for (const [bytes, text] of cases) assert.equal(sizeOf(bytes), text);
});

test("a limit is read as it is written, and nothing is none", () => {
  const cases = [["", null], ["  ", null], ["50", 50e9], ["0,5", 5e8], [".25", 25e7], ["0", 0]];
  for (const [text, bytes] of cases) assert.equal(bytesOf(text), bytes, text);
  for (const text of ["-1", "1e3", "many", "1.2.3", "NaN", "Infinity", "9".repeat(30), "0x10"]) {
    assert.equal(bytesOf(text), undefined, text);
  }
  for (const bytes of [null, 0, 1, 123_456_789, 50e9]) assert.equal(bytesOf(gigabytesOf(bytes)), bytes);
});

test("both languages have the same texts", () => {
  for (const part of [(it) => it, (it) => it.facts, (it) => it.failures]) {
    assert.deepEqual(Object.keys(part(TEXTS.zh)), Object.keys(part(TEXTS.en)));
  }
  for (const [name, text] of Object.entries(TEXTS.en)) assert.equal(typeof TEXTS.zh[name], typeof text, name);
});
