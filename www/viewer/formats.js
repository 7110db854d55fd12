// Which files are shown how: one line for each format.
//
// `names` and `magic` tell a format by a file's name or its first bytes; a file that both
// say something else about is what its bytes say. What is one file in a wrapping that others have too
// is told by `both`. `module` is the parser, by its name in
// the manifest (none where the frame needs no parser), `view` what the frame draws with.
// One whose module reads `inPieces` may be of any size. One that is `written` is text, whatever it shows. A format with a `type` is decoded by the browser, as what its type says.

import { DEPTH_MAX } from "./limits.js";

const bytes = (...list) => ({ at: 0, list });
const letters = (text, at = 0) => ({ at, list: [...text].map((letter) => letter.charCodeAt(0)) });

/** A package of office programs; the second is one under a password. */
const PACKAGE = [letters("PK\x03\x04"), bytes(0xd0, 0xcf, 0x11, 0xe0)];

/** @typedef {{ view: string, module?: string, type?: string, names?: RegExp,
 *    magic?: { at: number, list: number[] }[], both?: boolean, nests?: boolean, inPieces?: boolean, written?: boolean }} Format */

/** @type {Format[]} */
export const FORMATS = [
  { view: "sheet", module: "sheet", names: /\.(xls[xm]|xlt[xm]|ods|ots)$/i, magic: PACKAGE, both: true },
  { view: "docx", module: "docx", names: /\.(doc[xm]|dot[xm])$/i, magic: PACKAGE, both: true },
  { view: "epub", module: "epub", names: /\.epub$/i, magic: PACKAGE, both: true },
  {
    view: "archive",
    module: "archive",
    names: /\.(zip|jar|apk|xpi|tar|tgz|gz|tzst|zst)$/i,
    magic: [letters("PK\x03\x04"), letters("PK\x05\x06"), bytes(0x1f, 0x8b, 8), bytes(0x28, 0xb5, 0x2f, 0xfd), letters("ustar", 257)],
    nests: true,
    inPieces: true,
  },
  // The oldest say nothing of themselves.
  { view: "archive", module: "archive", names: /\.tar$/i, nests: true, inPieces: true },
  { view: "pdf", module: "pdf", magic: [letters("%PDF-")] },
  { view: "table", module: "table", names: /\.(csv|tsv|tab)$/i },
  { view: "page", names: /\.(html?|xhtml)$/i, written: true },
  { view: "picture", type: "image/png", magic: [bytes(0x89, 0x50, 0x4e, 0x47)] },
  { view: "picture", type: "image/jpeg", magic: [bytes(0xff, 0xd8, 0xff)] },
  { view: "picture", type: "image/gif", magic: [letters("GIF8")] },
  { view: "picture", type: "image/webp", magic: [letters("WEBP", 8)] },
  { view: "picture", type: "image/avif", magic: [letters("ftypavif", 4), letters("ftypavis", 4)] },
  { view: "picture", type: "image/bmp", names: /\.bmp$/i },
  { view: "picture", type: "image/x-icon", names: /\.ico$/i },
  { view: "drawing", names: /\.svg$/i },
  { view: "audio", type: "audio/wav", magic: [letters("WAVE", 8)] },
  { view: "audio", type: "audio/flac", magic: [letters("fLaC")] },
  { view: "audio", type: "audio/mp4", magic: [letters("ftypM4A", 4)] },
  // Most say only that they are of the family of films.
  { view: "audio", type: "audio/mp4", names: /\.m4[ab]$/i, magic: [letters("ftyp", 4)], both: true },
  { view: "audio", type: "audio/mpeg", names: /\.mp3$/i },
  { view: "audio", type: "audio/aac", names: /\.aac$/i },
  { view: "audio", type: "audio/ogg", names: /\.(ogg|oga|opus)$/i },
  { view: "video", type: "video/ogg", names: /\.ogv$/i },
  { view: "video", type: "video/mp4", magic: [letters("ftyp", 4)] },
  { view: "video", type: "video/webm", magic: [bytes(0x1a, 0x45, 0xdf, 0xa3)] },
];

/** What every file can be shown as. */
export const TEXT = { view: "text" };
export const HEX = { view: "hex" };

/** Tells the format of a file, by its name and its first bytes. */
export function formatOf({ name, depth }, head) {
  const fits = ({ nests, written }) => (!nests || depth < DEPTH_MAX) && (!written || isText(head));
  const starts = ({ at, list }) => list.every((byte, place) => head[at + place] === byte);
  const named = ({ names, both }) => !both || names.test(name);
  const found = FORMATS.find((format) => format.magic?.some(starts) && named(format)) ?? FORMATS.find(({ names, magic }) => !magic && names?.test(name));
  if (found && fits(found)) return found;
  return isText(head) ? TEXT : HEX;
}

/** Whether bytes at the start of a file look like text. */
export function isText(head) {
  const marked = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (marked) return head.length % 2 === 0;
  if (head.some((byte) => byte < 9 || (byte > 13 && byte < 27))) return false;
  try {
    // Of a character that is cut off at the end nothing can be said.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}
