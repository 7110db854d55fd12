import assert from "node:assert/strict";
import { test } from "node:test";

import { TEXTS, textsOf, told } from "./texts.js";

test("both languages have the same texts", () => {
  assert.deepEqual(Object.keys(TEXTS.en).sort(), Object.keys(TEXTS.zh).sort());
  assert.deepEqual(Object.keys(TEXTS.en.failures).sort(), Object.keys(TEXTS.zh.failures).sort());
});

test("who has to wait is told how long, in words that fit", () => {
  const texts = textsOf("en");
  const after = (waitMs) => told({ code: "rate_limited", waitMs }, texts);
  assert.match(after(29_001), /30 seconds/);
  assert.match(after(3_600_000), /60 minutes/);
  assert.equal(told({ code: "rate_limited" }, texts), texts.failures.other);
  assert.equal(told({ code: "internal" }, texts), texts.failures.other);
});
