import assert from "node:assert/strict";
import { test } from "node:test";

import { hasWords, KINDS, kindOf } from "./kinds.js";

test("a kind is told by the end of a name, and else by the icon", () => {
  assert.equal(kindOf("file-text", "Counts.CSV"), "sheet");
  assert.equal(kindOf("file-code", "main.rs"), "text");
  assert.equal(kindOf("file", "plan.pdf"), "pdf");
  assert.equal(kindOf("folder", "plan.pdf"), "folder");
  assert.equal(kindOf("file-image", "gull.jpg"), "picture");
  assert.equal(kindOf("file", "unknown"), undefined);
  assert.deepEqual(KINDS.filter(hasWords), ["text", "pdf", "document", "sheet"]);
  assert.ok(hasWords(""));
});
