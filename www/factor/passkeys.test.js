import assert from "node:assert/strict";
import { test } from "node:test";

import { fromBase64, toBase64 } from "./passkeys.js";

test("bytes are written as the server writes them, and read back", () => {
  for (let length = 0; length < 70; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, at) => at * 37 + length * 91);
    const text = toBase64(bytes.buffer);
    assert.equal(text, Buffer.from(bytes).toString("base64url"));
    assert.deepEqual(fromBase64(text), bytes);
  }
});
