import assert from "node:assert/strict";
import { test } from "node:test";

import { linesOf } from "./leaf.js";

const text = (words, more) => ({ text: { heading: 0, quote: 0, spans: [{ text: { text: words } }, { picture: { index: 0 } }], ...more } });

test("a heading is larger than what stands below it", () => {
  const [heading] = linesOf(text("Minutes", { heading: 1 }));
  const [body] = linesOf(text("We met at noon."));
  assert.ok(heading.look.px > body.look.px && heading.bold && !body.bold);
  assert.equal(linesOf(text("Deep", { heading: 6 }))[0].text, "Deep");
});

test("what is in a list has its mark and is moved in", () => {
  const [item] = linesOf(text("Lamps", { item: [1, "b)"] }));
  assert.deepEqual([item.text, item.indent], ["b) Lamps", 2]);
});

test("a table is a line for each of its rows", () => {
  const cell = (words) => ({ columns: 1, rows: 1, blocks: [text(words)] });
  const rows = [{ head: true, cells: [cell("Ship"), cell("From")] }, { head: false, cells: [cell("Aurora"), cell("Riga")] }];
  assert.deepEqual(linesOf({ table: { rows } }).map((line) => [line.text, line.bold]), [["Ship   From", true], ["Aurora   Riga", false]]);
});

test("of a text without end only so much is looked at", () => {
  assert.equal(linesOf(text("a".repeat(1e6)))[0].text.length, 4_000);
});
