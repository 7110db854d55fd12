// Reads the files of a ZIP archive, to compare them.

import { inflateRawSync } from "node:zlib";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const ZIP64 = 1;
const BEYOND = 0xffffffff;

/** The files of an archive of less than 4 GiB: their names and bytes. */
export function* unzipped(archive) {
  let end = archive.length - 22;
  while (end >= 0 && archive.readUInt32LE(end) !== END) end -= 1;
  if (end < 0) throw new Error("this is no ZIP archive");
  let place = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (archive.readUInt32LE(place) !== ENTRY) throw new Error("the ZIP archive's directory is damaged");
    const method = archive.readUInt16LE(place + 10);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((at) => archive.readUInt16LE(place + at));
    const name = archive.toString("utf8", place + 46, place + 46 + nameBytes);
    const extra = archive.subarray(place + 46 + nameBytes, place + 46 + nameBytes + extraBytes);
    const [, packed, local] = wide([24, 20, 42].map((at) => archive.readUInt32LE(place + at)), extra);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const bytes = archive.subarray(start, start + packed);
    if (!name.endsWith("/")) yield { name, bytes: method === 0 ? bytes : inflateRawSync(bytes) };
    place += 46 + nameBytes + extraBytes + commentBytes;
  }
}

/** Takes from the ZIP64 field what does not fit into 32 bits, in the order it stands there. */
function wide(numbers, extra) {
  for (let place = 0; place + 4 <= extra.length; place += 4 + extra.readUInt16LE(place + 2)) {
    if (extra.readUInt16LE(place) !== ZIP64) continue;
    let at = place + 4;
    return numbers.map((number) => (number === BEYOND ? Number(extra.readBigUInt64LE((at += 8) - 8)) : number));
  }
  return numbers;
}
