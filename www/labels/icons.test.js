import assert from "node:assert/strict";
import { test } from "node:test";

import { iconOf } from "./icons.js";

test("an icon is told by the end of a name, and else by the kind", () => {
  const names = ["plan.PDF", "letter.docx", "counts.tsv", "novel.epub", "gull.jpg", "notes", "report.docs"];
  const icons = ["files", "file-type", "file-spreadsheet", "book-open", "file-image", "file-text", "file-text"];
  assert.deepEqual(names.map((name) => iconOf(name)), icons);
  assert.equal(iconOf("plan.pdf", 0), "folder");
  assert.equal(iconOf("unknown", 2), "file");
});
