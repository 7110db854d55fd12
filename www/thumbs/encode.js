// A bitmap becomes a thumb.

/** Longest side, and bytes: those of `limits::THUMB_BYTES_MAX`. */
export const SIDE = 256;
const BYTES_MAX = 16 * 1024;

/**
 * Draws a bitmap as a thumb and closes it.
 *
 * @param {ImageBitmap} bitmap
 * @returns {Promise<Uint8Array | null>} WebP, or JPEG where a browser writes none
 */
export async function encode(bitmap) {
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const side = (length) => Math.max(1, Math.round(length * scale));
  const canvas = new OffscreenCanvas(side(bitmap.width), side(bitmap.height));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  for (const quality of [0.75, 0.5, 0.2]) {
    let blob = await canvas.convertToBlob({ type: "image/webp", quality });
    // Where WebP is not written, PNG comes, which is too large.
    if (blob.type !== "image/webp") blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
    if (blob.size <= BYTES_MAX) return new Uint8Array(await blob.arrayBuffer());
  }
  return null;
}
