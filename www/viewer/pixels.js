// How large a picture says it is, before a decoder believes it: a few kilobytes may say any size, and a
// browser makes room for all of it.

import { sizeOf } from "../thumbs/size.js";
import { Refused } from "./line.js";
import { BEGINNING_BYTES, HEAD_BYTES, PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX, READ_BYTES_MAX } from "./limits.js";

/** Of these decoders know bounds of their own: icons are small, and a film of AVIF says its size elsewhere. */
const SILENT = ["image/x-icon", "image/avif"];

/** Whether a browser is asked to draw a picture of a size. */
export function fits({ width, height }) {
  return Math.max(width, height) <= PICTURE_SIDE_MAX && width * height <= PICTURE_PIXELS_MAX;
}

/** Refuses a picture that says it is too large, or that does not say how large it is. */
export async function measured(source, type) {
  // Cameras put much before it, and nobody puts more.
  for (const end of [HEAD_BYTES, BEGINNING_BYTES, READ_BYTES_MAX]) {
    const size = sizeOf(await source.read(0, end));
    if (size && !fits(size)) throw new Refused("pixels");
    if (size || SILENT.includes(type)) return;
    if (end >= source.size) break;
  }
  throw new Refused("unplayable");
}
