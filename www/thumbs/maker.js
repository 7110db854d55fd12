// Makes thumbs: small pictures of what is uploaded. It runs in the engine's worker and gives
// pictures to the browser's own decoder, which has a process of its own. What a worker has no
// decoder for it hands to the page (`page.js`), and waits so long and no longer.

import { bitmapOf } from "./bitmap.js";
import { encode } from "./encode.js";

/** Bytes by which a file is told that the page makes the thumb of. */
const HEAD_BYTES = 12;
/** Packages by their names, which their bytes do not tell. */
const PACKAGES = [[/\.do[ct][mx]$/i, "docx"], [/\.epub$/i, "epub"]];
/** How long a thumb may take. */
const PICTURE_MS = 2_000;
const PAGE_MS = 4_000;

const waiting = new Map();
let last = 0;

/**
 * @param {File} file
 * @param {MessagePort} [page] at which the page makes what this cannot
 * @returns {Promise<Uint8Array | null>}
 */
export async function thumbOf(file, page) {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const what = kindOf(head, file.name ?? "");
  if (what) return page ? ask(page, file, what) : null;
  const bitmap = await soon(bitmapOf(file));
  return bitmap && encode(bitmap);
}

/** What a bitmap's promise brings before long; what comes later is let go. */
async function soon(bitmap) {
  const first = await Promise.race([bitmap.catch(() => null), after(PICTURE_MS)]);
  if (!first) bitmap.then((left) => left?.close(), () => {});
  return first;
}

/** The module that shows it, or the media type of a film. */
function kindOf(head, name) {
  const at = (place, text) => [...text].every((letter, nth) => head[place + nth] === letter.charCodeAt(0));
  if (at(0, "%PDF-")) return "pdf";
  if (at(0, "PK\x03\x04")) return PACKAGES.find(([names]) => names.test(name))?.[1] ?? null;
  if (at(4, "ftyp") && !at(8, "avif") && !at(8, "heic")) return "video/mp4";
  if (at(0, "\x1a\x45\xdf\xa3")) return "video/webm";
  return null;
}

async function ask(page, file, what) {
  page.onmessage = ({ data: [id, thumb] }) => waiting.get(id)?.(thumb);
  const id = ++last;
  const made = new Promise((resolve) => waiting.set(id, resolve));
  page.postMessage([id, file, what, PAGE_MS]);
  const thumb = await Promise.race([made, after(PAGE_MS)]);
  waiting.delete(id);
  return thumb;
}

function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms, null));
}
