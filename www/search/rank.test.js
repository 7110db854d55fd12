import assert from "node:assert/strict";
import { test } from "node:test";

import { rankOf } from "./rank.js";

test("the name itself is first, then what begins so, has a word that does, has it inside, and a slip", () => {
  const names = ["Rechnung.pdf", "Rechnungen", "Alte Rechnung", "Abrechnung.pdf", "Rehcnung.txt"];
  assert.deepEqual(names.map((name) => rankOf(name, " rechnung ")), [0, 1, 2, 3, 4]);
});

test("all words of a query count, in whatever order", () => {
  assert.equal(rankOf("2024 invoice.pdf", "invoice 2024"), 2);
  assert.equal(rankOf("my-invoice_2024.pdf", "invoice 2024"), 2);
  assert.equal(rankOf("invoices 12024.pdf", "invoice 2024"), 3);
  assert.equal(rankOf("invoice.pdf", "invoice 2024"), 4);
});

test("names without spaces, without an end and in other scripts have their order too", () => {
  assert.equal(rankOf("北京大学.txt", "北京"), 1);
  assert.equal(rankOf("我在北京.txt", "北京"), 3);
  assert.equal(rankOf("Makefile", "makefile"), 0);
  assert.equal(rankOf("Makefiles", "makefile"), 1);
  assert.equal(rankOf("Cafe\u0301.md", "caf\u00e9"), 0);
});
