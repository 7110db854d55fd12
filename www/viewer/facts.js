// What a picture or a PDF says of itself, and a copy of a picture that does not say where it was taken.

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
  return reading("picture", file, async (module, source) => {
    const bytes = await source.read(0, BEGINNING_BYTES);
    const read = bytes.length;
    const about = await asks(module, "facts", source, bytes);
    if (!about.more || !local || read === source.size) return about;
    return asks(module, "facts", source, await whole(source));
  });
}

/** The copy's bytes, and what is said of it. */
export function placelessOf(file) {
  return reading("picture", file, async (module, source) => asks(module, "placeless", source, await whole(source)));
}

/** What a PDF says as it is opened (`preview/src/pdf.rs`). */
export function saidBy(file) {
  return reading("pdf", file, async (module, source) => asks(module, "facts", source, await whole(source)));
}

async function reading(name, file, does) {
  const source = new FileSource(file);
  try {
    return await does(await modules.load(name), source);
  } finally {
    source.end();
  }
}

function asks(module, view, { name }, bytes) {
  // What is handed over is all of its buffer.
  const own = bytes.buffer.byteLength === bytes.length ? bytes : bytes.slice();
  return unseen(module, view, { name, bytes: own });
}
