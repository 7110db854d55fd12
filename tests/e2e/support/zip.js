// Reads a ZIP as an unpacker does: by its directory at the end, every entry checked.

import assert from "node:assert/strict";
import { inflateRawSync } from "node:zlib";

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const UTF8 = 1 << 11;

/** The files of a ZIP by name; whatever is not as its directory says is an error. */
export function unzip(bytes) {
  const { count, start } = directory(bytes);
  const files = new Map();
  let at = start;
  for (let n = 0; n < count; n++) {
    assert.equal(bytes.readUInt32LE(at), ENTRY, "an entry of the directory");
    const entry = readEntry(bytes, at);
    assert.ok(!files.has(entry.name), `${entry.name} is there once`);
    if (!entry.name.endsWith("/")) {
      files.set(entry.name, content(bytes, entry));
    }
    at = entry.next;
  }
  return files;
}

function directory(bytes) {
  let end = bytes.length - 22;
  while (end >= 0 && bytes.readUInt32LE(end) !== END) {
    end--;
  }
  assert.ok(end >= 0, "a ZIP has a directory");
  const locator = end - 20;
  if (locator >= 0 && bytes.readUInt32LE(locator) === LOCATOR_64) {
    const end64 = Number(bytes.readBigUInt64LE(locator + 8));
    assert.equal(bytes.readUInt32LE(end64), END_64);
    return { count: Number(bytes.readBigUInt64LE(end64 + 32)), start: Number(bytes.readBigUInt64LE(end64 + 48)) };
  }
  return { count: bytes.readUInt16LE(end + 10), start: bytes.readUInt32LE(end + 16) };
}

function readEntry(bytes, at) {
  const nameLength = bytes.readUInt16LE(at + 28);
  const extraLength = bytes.readUInt16LE(at + 30);
  const raw = bytes.subarray(at + 46, at + 46 + nameLength);
  const flags = bytes.readUInt16LE(at + 8);
  assert.ok((flags & UTF8) !== 0 || raw.every((byte) => byte < 128), "names are marked as UTF-8");
  const entry = {
    name: new TextDecoder("utf-8", { fatal: true }).decode(raw),
    raw,
    method: bytes.readUInt16LE(at + 10),
    crc: bytes.readUInt32LE(at + 16),
    packed: bytes.readUInt32LE(at + 20),
    size: bytes.readUInt32LE(at + 24),
    local: bytes.readUInt32LE(at + 42),
    next: at + 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32),
  };
  return withLargeFields(entry, bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength));
}

/** What does not fit 32 bits stands in an extra field, in this order. */
function withLargeFields(entry, extra) {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) {
      let value = at + 4;
      for (const field of ["size", "packed", "local"]) {
        if (entry[field] === 0xffffffff) {
          entry[field] = Number(extra.readBigUInt64LE(value));
          value += 8;
        }
      }
    }
  }
  return entry;
}

function content(bytes, entry) {
  assert.equal(bytes.readUInt32LE(entry.local), LOCAL, `${entry.name} is where it should be`);
  const nameLength = bytes.readUInt16LE(entry.local + 26);
  const name = bytes.subarray(entry.local + 30, entry.local + 30 + nameLength);
  assert.ok(name.equals(entry.raw), `${entry.name} has one name`);
  const start = entry.local + 30 + nameLength + bytes.readUInt16LE(entry.local + 28);
  const packed = bytes.subarray(start, start + entry.packed);
  assert.ok(entry.method === 0 || entry.method === 8, `${entry.name} is stored or deflated`);
  const plain = entry.method === 0 ? packed : inflateRawSync(packed);
  assert.equal(plain.length, entry.size, `${entry.name} is as long as it should be`);
  assert.equal(crc32(plain), entry.crc, `${entry.name} has its checksum`);
  return plain;
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

const TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return value;
});
