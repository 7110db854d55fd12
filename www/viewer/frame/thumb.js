// What a thumb is made of by the page: the first page of a PDF as pixels, a picture of a document, or the
// beginning of its text as a page.

import { leaf } from "./leaf.js";

/** Pictures of a document that are looked at. */
const PICTURES_MAX = 4;

export async function thumb(shown) {
  if (shown.of !== "pdf") return ofDocument(shown);
  const { about, ask, line, side } = shown;
  // One under a password shows nothing.
  if (!about.open) return line.ask("failed", { reason: "locked" });
  const [width, height] = about.open.pages[0];
  const scale = side / Math.max(width, height);
  const pixels = (points) => Math.min(side, Math.max(1, Math.round(points * scale)));
  const tile = { x: 0, y: 0, width: pixels(width), height: pixels(height) };
  const { bytes } = await ask({ draw: { page: 0, scale, tile } });
  line.ask("drawn", { width: tile.width, height: tile.height, bytes });
}

/** The picture that the file has of itself, or its first that is of use, or its first words. */
async function ofDocument(shown) {
  const { about, ask, line } = shown;
  const first = Array.from({ length: PICTURES_MAX }, (_, index) => index);
  for (const index of about.cover == null ? first : [about.cover, ...first]) {
    const picture = await ask({ picture: { index } }).catch(() => null);
    if (picture && (await line.ask("drawn", { bytes: picture.bytes }))) return;
  }
  const page = about.blocks && (await leaf(shown).catch(() => null));
  if (page) line.ask("drawn", page);
  else line.ask("failed", { reason: "unsupported" });
}
