import assert from "node:assert/strict";
import { test } from "node:test";

import { outside } from "./leads.js";

test("addresses of the web and of mail are shown as browsers write them", () => {
  assert.equal(outside("HTTPS://Example.org/a b"), "https://example.org/a%20b");
  assert.equal(outside("mailto:a@example.org"), "mailto:a@example.org");
  // A name that only looks like another.
  assert.equal(outside("https://аpple.com/"), "https://xn--pple-43d.com/");
});

test("no other address is, nor one that hides whose it is", () => {
  for (const address of [
    "javascript:alert(1)",
    " java\nscript:alert(1)",
    "data:text/html,a",
    "blob:https://example.org/a",
    "file:///etc/passwd",
    "/v/vault/node",
    "https:",
    "https://bank.example@evil.example/",
    `https://example.org/${"a".repeat(2048)}`,
    "",
  ]) {
    assert.equal(outside(address), null, address);
  }
});
