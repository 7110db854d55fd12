// Thumbs that a worker cannot make, made in the page: the first page of a PDF, which the
// sandbox draws, and a frame of a film, which the browser's player shows. It comes with the
// viewer, when the first such file is uploaded.

import { Refused } from "../viewer/line.js";
import * as modules from "../viewer/modules.js";
import { Sandbox } from "../viewer/sandbox.js";
import { encode, SIDE } from "./encode.js";

/** A document that is opened for its thumb. */
const DOCUMENT_BYTES_MAX = 32 * 1024 * 1024;
/** Seconds into a film, or a tenth of it if that is sooner: most begin dark. */
const FILM_S = 3;

/**
 * @param {Blob} file
 * @param {string} what `pdf`, or the media type of a film
 * @param {AbortSignal} ends when nobody waits any more
 * @returns {Promise<Uint8Array | null>}
 */
export async function thumbOf(file, what, ends) {
  const place = document.createElement("div");
  place.hidden = true;
  document.body.append(place);
  try {
    const late = new Promise((_, reject) => ends.addEventListener("abort", () => reject(new Refused("time"))));
    const made = what === "pdf" ? ofDocument(place, file, late) : ofFilm(place, file, what, late);
    return await encode(await Promise.race([made, late]));
  } finally {
    place.remove();
  }
}

async function ofDocument(place, file, late) {
  if (file.size > DOCUMENT_BYTES_MAX) throw new Refused("large");
  const [module, buffer] = await Promise.all([modules.load("pdf"), file.arrayBuffer()]);
  const sandbox = new Sandbox(place).load(module);
  try {
    const drawn = new Promise((resolve, reject) => {
      const answers = { drawn: resolve, failed: ({ reason }) => reject(new Refused(String(reason))) };
      const what = { view: "thumb", name: "", size: file.size, depth: 0, language: "en", side: SIDE, bytes: new Uint8Array(buffer) };
      sandbox.show(what, { title: "", answers, transfer: [buffer] }).catch(reject);
    });
    const { width, height, bytes } = await Promise.race([drawn, late]);
    // What comes out of the sandbox is not believed: `ImageData` wants as many bytes as that is.
    if (!(width <= SIDE && height <= SIDE)) throw new Refused("output");
    return await createImageBitmap(new ImageData(new Uint8ClampedArray(bytes), width, height));
  } finally {
    sandbox.end();
  }
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
