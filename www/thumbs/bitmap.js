// A picture becomes a bitmap that is as small as a thumb wants it.

import { SIDE } from "./encode.js";
import { sizeOf } from "./size.js";

/** Pixels from which on a picture is not decoded for a thumb. */
const PIXELS_MAX = 100_000_000;
/** Bytes in which a picture has to say its size; cameras put much before it. */
const HEAD_BYTES = 256 * 1024;

/**
 * @param {Blob} file
 * @returns {Promise<ImageBitmap | null>} null for what is no picture that says a size, or says too large a one
 */
export async function bitmapOf(file) {
  const size = sizeOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (!size || size.width * size.height > PIXELS_MAX) return null;
  const scale = Math.min(1, SIDE / Math.max(size.width, size.height));
  // A picture that a camera held sideways is as wide as it was said to be high.
  const options = scale < 1 ? { resizeWidth: Math.max(1, Math.round(size.width * scale)), resizeQuality: "medium" } : {};
  return createImageBitmap(file, options);
}
