// A file as a text: in which encoding it is that does not say it, and all of it.

import { Refused } from "../line.js";

/** What is read at once of a text that is wanted whole. */
const PIECE_BYTES = 1024 * 1024;

/** The encoding of a text by its beginning, which may be all of it: marked, UTF-8, or that of old Windows. */
export function encodingOf(bytes, isWhole) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !isWhole });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

/** All of a file as a text; one of more bytes than that is refused. */
export async function textOf({ size, read }, bytesMax) {
  if (size > bytesMax) throw new Refused("large");
  const pieces = [];
  for (let at = 0; at < size; ) {
    const bytes = await read(at, Math.min(size, at + PIECE_BYTES));
    pieces.push(bytes);
    at += bytes.length;
  }
  const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return new TextDecoder(encodingOf(bytes, true)).decode(bytes);
}
