import assert from "node:assert/strict";
import { test } from "node:test";

import { said, TEXTS } from "./newcomers.js";

test("both languages have the same texts", () => {
  assert.deepEqual(Object.keys(TEXTS.en).sort(), Object.keys(TEXTS.zh).sort());
});

test("where nobody can sign up that is said, and nothing changes where nothing is known", () => {
  assert.deepEqual(said("closed", "en", ["before"]), [TEXTS.en.closed]);
  assert.deepEqual(said("closed", "zh-CN", ["before"]), [TEXTS.zh.closed]);
  for (const unknown of ["invitation", undefined]) assert.deepEqual(said(unknown, "en", ["before"]), ["before"]);
});
