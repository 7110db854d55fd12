import assert from "node:assert/strict";
import { test } from "node:test";

import { paperOf, saidOf } from "./said.js";
import { TEXTS } from "./texts.js";

const A4 = [595.28, 841.89];

test("a page's size is told in millimetres, and by the paper's name", () => {
  const of = (...pages) => paperOf(pages, TEXTS.en);
  assert.equal(of(A4, A4), "210 × 297 mm (A4)");
  assert.equal(of([842, 595]), "297 × 210 mm (A4)");
  assert.equal(of([612, 792]), "216 × 279 mm (Letter)");
  assert.equal(of([300, 200]), "106 × 71 mm");
  assert.equal(of(A4, [612, 792]), "210 × 297 mm (A4), others differ");
  assert.equal(paperOf([A4], TEXTS.zh), "210 × 297 毫米 (A4)");
});

test("a file has a line for each thing that it says", () => {
  const properties = { title: "Tides", author: "", producer: "a printer", created: "2026-11-26 09:30", modified: "" };
  assert.deepEqual(saidOf({ pages: [A4], properties }, TEXTS.en, "Password"), [
    ["Title", "Tides"],
    ["Made by", "a printer"],
    ["Created", "2026-11-26 09:30"],
    ["Pages", "1"],
    ["Page size", "210 × 297 mm (A4)"],
    ["Protection", "Password"],
  ]);
});
