import assert from "node:assert/strict";
import { test } from "node:test";

import { sizeOf, thumbType } from "./size.js";

const bytes = (...parts) => Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...Buffer.from(part, "latin1")] : part)));
const be16 = (number) => [number >> 8, number & 255];
const be32 = (number) => [...be16(number >>> 16), ...be16(number & 0xffff)];
const le16 = (number) => be16(number).reverse();
const le24 = (number) => [...le16(number & 0xffff), number >> 16];

const png = (width, height) => bytes("\x89PNG\r\n\x1a\n", be32(13), "IHDR", be32(width), be32(height), [8, 6, 0, 0, 0]);
const gif = (width, height) => bytes("GIF89a", le16(width), le16(height), [0, 0, 0]);
const webp = (part, body) => bytes("RIFF", be32(0), "WEBP", part, be32(0), body);
const lossy = (width, height) => webp("VP8 ", [0, 0, 0, 0x9d, 1, 0x2a, ...le16(width), ...le16(height)]);
const extended = (width, height) => webp("VP8X", [0, 0, 0, 0, ...le24(width - 1), ...le24(height - 1)]);
const lossless = (width, height) => {
  const bits = ((width - 1) | ((height - 1) << 14)) >>> 0;
  return webp("VP8L", [0x2f, ...be32(bits).reverse()]);
};
const bmp = (width, height) => bytes("BM", Array(12).fill(0), [40, 0, 0, 0], be32(width).reverse(), be32(height).reverse());
const box = (kind, ...body) => bytes(be32(bytes(...body).length + 8), kind, ...body);
const ispe = (width, height) => box("ispe", be32(0), be32(width), be32(height));
const avif = (...sizes) => bytes([...box("ftyp", "avif", be32(0)), ...box("meta", be32(0), [...box("hdlr", be32(0))], [...box("iprp", [...box("ipco", ...sizes.map((size) => [...ispe(...size)]))])])]);
const segment = (marker, body) => [0xff, marker, ...be16(body.length + 2), ...body];
const frame = (width, height, marker = 0xc0) => segment(marker, [8, ...be16(height), ...be16(width), 3]);
const jpeg = (...segments) => bytes([0xff, 0xd8], ...segments, [0, 0, 0]);

test("pictures of every kind say their size", () => {
  for (const [picture, type] of [
    [png(4_000, 3_000), "image/png"],
    [gif(4_000, 3_000), "image/gif"],
    [lossy(4_000, 3_000), "image/webp"],
    [lossless(4_000, 3_000), "image/webp"],
    [extended(4_000, 3_000), "image/webp"],
    [avif([512, 3_000], [4_000, 512]), "image/avif"],
    [bmp(4_000, 3_000), "image/bmp"],
    [bmp(4_000, -3_000), "image/bmp"],
    [jpeg(segment(0xe1, [1, 2, 3]), [0xff], segment(0xc4, [9]), frame(4_000, 3_000, 0xc2)), "image/jpeg"],
  ]) {
    assert.deepEqual(sizeOf(picture), { type, width: 4_000, height: 3_000 });
    for (let end = 0; end < picture.length; end += 1) sizeOf(picture.subarray(0, end));
  }
});

test("what is no picture, or is cut before its size, says none", () => {
  const cut = jpeg(segment(0xe1, [1, 2, 3]), frame(40, 30)).subarray(0, 12);
  const broken = [bytes(), bytes("<svg xmlns"), bytes("GIF8"), cut, png(0, 9), jpeg([0xff, 0xda]), jpeg([0, 0]), webp("VP9 ", Array(20).fill(1))];
  for (const one of broken) assert.equal(sizeOf(one), null);
});

test("only small WebP and JPEG are drawn as thumbs", () => {
  assert.equal(thumbType(lossy(256, 171)), "image/webp");
  assert.equal(thumbType(jpeg(frame(256, 171))), "image/jpeg");
  for (const hostile of [extended(16_383, 16_383), lossless(513, 1), jpeg(frame(65_535, 65_535)), png(20, 20), gif(20, 20), bytes("<svg onload='alert(1)'/>")]) {
    assert.equal(thumbType(hostile), null);
  }
});
