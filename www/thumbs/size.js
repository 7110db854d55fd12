// What the first bytes of a picture say of its size, so that nothing is decoded that would
// take too much memory. Reads nothing beyond what it is given.

/** What the app's own thumbs may be. */
const THUMB_TYPES = ["image/webp", "image/jpeg"];
const THUMB_SIDE_MAX = 512;

/**
 * @param {Uint8Array} head
 * @returns {{ type: string, width: number, height: number } | null} null for what is no
 *   PNG, GIF, WebP, AVIF, BMP or JPEG, or does not say
 */
export function sizeOf(head) {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  try {
    const [type, width, height] = png(view) ?? gif(view) ?? webp(view) ?? avif(view) ?? bmp(view) ?? jpeg(view) ?? [];
    return width > 0 && height > 0 ? { type, width, height } : null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The type of what may be drawn as a thumb, or null: other members' bytes are anything. */
export function thumbType(bytes) {
  const size = sizeOf(bytes);
  if (!size || Math.max(size.width, size.height) > THUMB_SIDE_MAX) return null;
  return THUMB_TYPES.includes(size.type) ? size.type : null;
}

function png(view) {
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(12) !== 0x49484452) return null;
  return ["image/png", view.getUint32(16), view.getUint32(20)];
}

function gif(view) {
  if (view.getUint32(0) !== 0x47494638) return null;
  return ["image/gif", view.getUint16(6, true), view.getUint16(8, true)];
}

/** `RIFF size WEBP`, and a first part in one of three forms. */
function webp(view) {
  if (view.getUint32(0) !== 0x52494646 || view.getUint32(8) !== 0x57454250) return null;
  const at24 = (at) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  switch (view.getUint32(12)) {
    case 0x56503820: // VP8
      return ["image/webp", view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
    case 0x5650384c: { // VP8L
      const bits = view.getUint32(21, true);
      return ["image/webp", (bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    }
    case 0x56503858: // VP8X
      return ["image/webp", at24(24) + 1, at24(27) + 1];
    default:
      return null;
  }
}

/** The largest of the sizes of what it is put together from. */
function avif(view) {
  if (view.getUint32(4) !== 0x66747970 || ![0x61766966, 0x61766973].includes(view.getUint32(8))) return null;
  const sizes = inside(view, 0, view.byteLength, [0x6d657461, 0x69707270, 0x6970636f, 0x69737065]);
  if (!sizes.length) return null;
  const most = (place) => Math.max(...sizes.map((at) => view.getUint32(at + place)));
  return ["image/avif", most(4), most(8)];
}

/** Where the bodies of boxes begin that stand in others, of these kinds from without to within. */
function inside(view, start, end, [kind, ...kinds]) {
  const found = [];
  for (let at = start; at < end; ) {
    const size = view.getUint32(at);
    if (view.getUint32(at + 4) === kind) {
      const body = at + 8;
      // The outermost has a version before what is in it.
      if (kinds.length) found.push(...inside(view, body + (kind === 0x6d657461 ? 4 : 0), at + size, kinds));
      else found.push(body);
      if (start === 0) break;
    }
    if (size < 8) break;
    at += size;
  }
  return found;
}

function bmp(view) {
  if (view.getUint16(0) !== 0x424d) return null;
  if (view.getUint32(14, true) === 12) return ["image/bmp", view.getUint16(18, true), view.getUint16(20, true)];
  // Written from the top down, it is as high as its negative.
  return ["image/bmp", view.getInt32(18, true), Math.abs(view.getInt32(22, true))];
}

/** Segments up to the one of the frame, which says the size. */
function jpeg(view) {
  if (view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) at += 1;
    else if (isFrame(marker)) return ["image/jpeg", view.getUint16(at + 7), view.getUint16(at + 5)];
    else if (marker === 0xd9 || marker === 0xda) return null;
    else at += 2 + (isBare(marker) ? 0 : view.getUint16(at + 2));
  }
}

function isFrame(marker) {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** Markers without a segment. */
function isBare(marker) {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}
