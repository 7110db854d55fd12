import assert from "node:assert/strict";
import { test } from "node:test";

import { TEXTS, textsOf } from "./texts.js";

test("every text about labels is there in every language, and takes the same", () => {
  for (const texts of Object.values(TEXTS)) {
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(TEXTS.en).sort());
    for (const [name, text] of Object.entries(texts)) assert.equal(typeof text, typeof TEXTS.en[name], name);
  }
  assert.equal(textsOf("zh-CN").starred, "已加星标");
});
