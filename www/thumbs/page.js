// Thumbs that a worker cannot make, made in the page: the first page of a PDF, which the
// sandbox draws, a picture of a document or a book, which it unpacks, or their first words, and a frame of a film, which the
// browser's player shows. It comes with the viewer, when the first such file is uploaded.

import { Refused } from "../viewer/line.js";
import * as modules from "../viewer/modules.js";
import { Sandbox } from "../viewer/sandbox.js";
import { bitmapOf } from "./bitmap.js";
import { encode, SIDE } from "./encode.js";

/** A document that is opened for its thumb. */
const DOCUMENT_BYTES_MAX = 32 * 1024 * 1024;
/** Kinds that are opened for it, by the modules that show them. */
const DOCUMENTS = ["docx", "epub", "pdf"];
/** A picture of a document that is smaller is a bullet or a rule. */
const PICTURE_PX_MIN = 48;
/** Seconds into a film, or a tenth of it if that is sooner: most begin dark. */
const FILM_S = 3;

/**
 * @param {Blob} file
 * @param {string} what a module that shows it, or the media type of a film
 * @param {AbortSignal} ends when nobody waits any more
 * @returns {Promise<Uint8Array | null>}
 */
export async function thumbOf(file, what, ends) {
  const place = document.createElement("div");
  place.hidden = true;
  document.body.append(place);
  try {
    const late = new Promise((_, reject) => ends.addEventListener("abort", () => reject(new Refused("time"))));
    const made = DOCUMENTS.includes(what) ? ofDocument(place, file, what, late) : ofFilm(place, file, what, late);
    return await encode(await Promise.race([made, late]));
  } finally {
    place.remove();
  }
}

async function ofDocument(place, file, of, late) {
  if (file.size > DOCUMENT_BYTES_MAX) throw new Refused("large");
  const [module, buffer] = await Promise.all([modules.load(of), file.arrayBuffer()]);
  const sandbox = new Sandbox(place).load(module);
  try {
    const bitmap = new Promise((resolve, reject) => {
      const drawn = async (given) => {
        const bitmap = given.width ? await ofPixels(given) : await ofPicture(given);
        if (bitmap) resolve(bitmap);
        return Boolean(bitmap);
      };
      const answers = { drawn, failed: ({ reason }) => reject(new Refused(String(reason))) };
      const what = { view: "thumb", of, name: "", size: file.size, depth: 0, language: "en", side: SIDE, bytes: new Uint8Array(buffer) };
      sandbox.show(what, { title: "", answers, transfer: [buffer] }).catch(reject);
    });
    return await Promise.race([bitmap, late]);
  } finally {
    sandbox.end();
  }
}

/** A page as it was drawn. */
async function ofPixels({ width, height, bytes }) {
  // What comes out of the sandbox is not believed: `ImageData` wants as many bytes as that is.
  if (!(width <= SIDE && height <= SIDE)) throw new Refused("output");
  return createImageBitmap(new ImageData(new Uint8ClampedArray(bytes), width, height));
}

/** A picture as it was unpacked, which is measured as any other; null where it is of no use. */
async function ofPicture({ bytes }) {
  const bitmap = await bitmapOf(new Blob([bytes])).catch(() => null);
  return bitmap && Math.max(bitmap.width, bitmap.height) >= PICTURE_PX_MIN ? bitmap : null;
}

async function ofFilm(place, file, type, late) {
  const player = document.createElement("video");
  Object.assign(player, { muted: true, playsInline: true, preload: "auto" });
  const url = URL.createObjectURL(file.slice(0, file.size, type));
  const settled = (event) =>
    new Promise((resolve, reject) => {
      player.addEventListener(event, resolve, { once: true });
      player.addEventListener("error", () => reject(new Refused("unplayable")), { once: true });
    });
  try {
    const loaded = settled("loadeddata");
    player.src = url;
    place.append(player);
    await Promise.race([loaded, late]);
    const sought = settled("seeked");
    // A film that a browser recorded does not know how long it is.
    player.currentTime = Math.min(FILM_S, Number.isFinite(player.duration) ? player.duration / 10 : 0);
    await Promise.race([sought, late]);
    return await createImageBitmap(player);
  } finally {
    player.removeAttribute("src");
    player.load();
    URL.revokeObjectURL(url);
  }
}
