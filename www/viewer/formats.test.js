import assert from "node:assert/strict";
import { test } from "node:test";

import { formatOf, HEX, isText, TEXT } from "./formats.js";
import { TEXTS, fill, sizeOf } from "./texts.js";

const bytes = (text) => new TextEncoder().encode(text);
const view = (name, head, depth = 0) => formatOf({ name, depth }, head).view;

test("a file is what its bytes say, whatever its name", () => {
  assert.equal(view("notes.txt", bytes("PK\x03\x04....")), "archive");
  assert.equal(view("photos.zip", bytes("just a letter")), "text");
  assert.equal(view("photos.zip", new Uint8Array([0, 1, 2, 3])), "hex");
});

test("a package of an office program is told by its bytes and its name", () => {
  assert.equal(view("plan.XLSX", bytes("PK\x03\x04")), "sheet");
  assert.equal(view("plan.ods", bytes("PK\x03\x04"), 1), "sheet");
  assert.equal(view("plan.xlsx", new Uint8Array([0xd0, 0xcf, 0x11, 0xe0])), "sheet");
  assert.equal(view("story.epub", bytes("PK\x03\x04")), "epub");
  assert.equal(view("plan.xls", new Uint8Array([0xd0, 0xcf, 0x11, 0xe0, 0])), "hex");
  assert.equal(view("plan.xlsx", bytes("a,b")), "text");
});

test("a TAR is told by its header, and an archive inside of an archive is not opened", () => {
  const head = new Uint8Array(512);
  head.set(bytes("ustar"), 257);
  assert.equal(view("a", head), "archive");
  assert.equal(view("a", head, 1), "hex");
  assert.equal(view("old.tar", new Uint8Array(512)), "archive");
  assert.equal(view("a", new Uint8Array([0x28, 0xb5, 0x2f, 0xfd])), "archive");
});

test("what a browser decodes is told by its bytes, and by its name where they do not say", () => {
  const type = (name, head) => formatOf({ name, depth: 0 }, head).type;
  const riff = (kind) => bytes(`RIFF....${kind}`);
  assert.equal(type("a", new Uint8Array([0x89, 0x50, 0x4e, 0x47])), "image/png");
  assert.deepEqual([type("a", riff("WEBP")), type("a", riff("WAVE"))], ["image/webp", "audio/wav"]);
  assert.equal(type("a.mp4", bytes("....ftypavif")), "image/avif");
  assert.equal(type("a.mp4", bytes("....ftypM4A ")), "audio/mp4");
  assert.deepEqual(["a.m4a", "a.mov"].map((name) => type(name, bytes("....ftypisom"))), ["audio/mp4", "video/mp4"]);
  assert.deepEqual([type("mark.svg", bytes("<svg/>")), view("mark.svg", bytes("<svg/>"))], [undefined, "drawing"]);
  assert.equal(type("song.mp3", bytes("ID3")), "audio/mpeg");
  assert.equal(type("notes.txt", bytes("BM")), undefined);
});

test("a page is told by its name, if it is text", () => {
  assert.equal(view("a.HTML", bytes("<p>")), "page");
  assert.equal(view("a.htm", bytes("<p>"), 1), "page");
  assert.equal(view("a.html", new Uint8Array([0, 1, 2, 3])), "hex");
  assert.equal(view("html", bytes("<p>")), "text");
});

test("text is told from bytes, also where a character is cut off", () => {
  assert.ok(isText(bytes("plain")));
  assert.ok(isText(bytes("海").subarray(0, 2)));
  assert.ok(isText(new Uint8Array([0xff, 0xfe, 0x41, 0])));
  assert.ok(!isText(new Uint8Array([0x41, 0])));
  assert.ok(!isText(new Uint8Array([0xc3, 0x28])));
  assert.equal(formatOf({ name: "a", depth: 0 }, bytes("x")), TEXT);
  assert.equal(formatOf({ name: "a", depth: 0 }, new Uint8Array([0])), HEX);
});

test("both languages have every text", () => {
  assert.deepEqual(Object.keys(TEXTS.zh), Object.keys(TEXTS.en));
});

test("a text has its places filled, and what fills them is not read for places", () => {
  const { archiveOf, changedBy, changedOn, inserted, tableOf } = TEXTS.en;
  assert.deepEqual([1, 2].map((count) => fill(archiveOf, { count })), ["1 item", "2 items"]);
  assert.equal(fill(TEXTS.zh.archiveOf, { count: 1 }), "1 项");
  assert.equal(fill(tableOf, { rows: 12_345, columns: 2 }), "12,345 rows, 2 columns");
  assert.equal(fill(inserted, { by: fill(changedBy, { by: "{on}" }), on: fill(changedOn, { on: "2 May" }) }), "Inserted by {on} on 2 May");
  assert.equal(fill(inserted, { by: "", on: "" }), "Inserted");
});

test("sizes are as people read them", () => {
  assert.equal(sizeOf(0), "0 B");
  assert.equal(sizeOf(1536), "1.54 kB");
  assert.equal(sizeOf(5_000_000), "5 MB");
});
