import assert from "node:assert/strict";
import { test } from "node:test";

import { moduleOf } from "./soon.js";

/** Something in a row of that name. */
const within = (name) => ({ closest: (what) => what === "[role=row]" && { getAttribute: () => name } });

test("a row of a PDF says which module its file wants", () => {
  assert.equal(moduleOf(within("Tides.PDF")), "pdf");
});

test("other rows, and what is in no row, ask for nothing", () => {
  for (const name of ["tides.txt", "pdf", "a.pdf.zip", null]) assert.equal(moduleOf(within(name)), undefined, name);
  assert.equal(moduleOf({ closest: () => null }), undefined);
  assert.equal(moduleOf({}), undefined);
});
