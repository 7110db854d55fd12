// The text of a file that is none itself: its module reads it in a sandbox of its own, which
// is never seen and ended at once.

import { formatOf } from "./formats.js";
import { HEAD_BYTES } from "./limits.js";
import * as modules from "./modules.js";
import { Sandbox } from "./sandbox.js";

/** The modules that answer with texts. */
const MODULES = ["docx", "pdf", "sheet", "table"];

/** The text, empty where nothing can be read of it; `undefined` where its module is not here. */
export async function textOf(name, bytes) {
  const of = formatOf({ name, depth: 0 }, bytes.subarray(0, HEAD_BYTES)).module;
  if (!MODULES.includes(of)) return "";
  const module = await modules.load(of).catch(() => null);
  if (!module) return undefined;
  const place = document.body.appendChild(Object.assign(document.createElement("div"), { hidden: true }));
  const sandbox = new Sandbox(place).load(module);
  try {
    const what = { view: "words", of, name, size: bytes.length, depth: 0, language: "en", bytes };
    return String(await sandbox.show(what, { title: "", answers: {}, transfer: [bytes.buffer] }));
  } catch {
    // It is damaged, sealed or hostile; it is not tried again before it changes.
    return "";
  } finally {
    sandbox.end();
    place.remove();
  }
}
