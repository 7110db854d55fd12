// What a picture says of itself, and a copy of it that does not say where it was taken.

import { BEGINNING_BYTES } from "./limits.js";
import * as modules from "./modules.js";
import { FileSource, whole } from "./source.js";
import { unseen } from "./unseen.js";

/**
 * What it says (`preview/src/picture.rs`). Its beginning is read, and the rest where there is more to
 * know and it is `local`.
 *
 * @param {{ name: string, size: number, port: MessagePort }} file
 */
export function factsOf(file, local) {
  return reading(file, async (module, source) => {
    const bytes = await source.read(0, BEGINNING_BYTES);
    const read = bytes.length;
    const about = await asks(module, "facts", source, bytes);
    if (!about.more || !local || read === source.size) return about;
    return asks(module, "facts", source, await whole(source));
  });
}

/** The copy's bytes, and what is said of it. */
export function placelessOf(file) {
  return reading(file, async (module, source) => asks(module, "placeless", source, await whole(source)));
}

async function reading(file, does) {
  const source = new FileSource(file);
  try {
    return await does(await modules.load("picture"), source);
  } finally {
    source.end();
  }
}

function asks(module, view, { name }, bytes) {
  // What is handed over is all of its buffer.
  const own = bytes.buffer.byteLength === bytes.length ? bytes : bytes.slice();
  return unseen(module, view, { name, bytes: own });
}
