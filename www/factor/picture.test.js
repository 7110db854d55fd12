import assert from "node:assert/strict";
import { test } from "node:test";

import encodeQR from "qr";
import decodeQR from "qr/decode.js";

import { pathOf } from "./picture.js";

const URL = "otpauth://totp/Offing:alice@drive.example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Offing";
const SCALE = 4;

/** Draws a path as a browser does, by its rectangles; a picture as a camera gives it. */
function painted(path, side) {
  const wide = side * SCALE;
  const data = new Uint8Array(wide * wide * 4).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let row = y * SCALE; row < (Number(y) + 1) * SCALE; row += 1) {
      const start = (row * wide + x * SCALE) * 4;
      for (let at = start; at < start + length * SCALE * 4; at += 4) data.fill(0, at, at + 3);
    }
  }
  return { width: wide, height: wide, data };
}

test("what is drawn is read as what it says", () => {
  const rows = encodeQR(URL, "raw", { ecc: "medium", border: 4 });
  assert.equal(decodeQR(painted(pathOf(rows), rows.length)), URL);
});
