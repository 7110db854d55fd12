// The text of a file that is none itself, as its module reads it.

import { formatOf } from "./formats.js";
import { HEAD_BYTES } from "./limits.js";
import * as modules from "./modules.js";
import { unseen } from "./unseen.js";

/** The modules that answer with texts. */
const MODULES = ["docx", "epub", "pdf", "sheet", "table"];

/** The text, empty where nothing can be read of it; `undefined` where its module is not here. */
export async function textOf(name, bytes) {
  const of = formatOf({ name, depth: 0 }, bytes.subarray(0, HEAD_BYTES)).module;
  if (!MODULES.includes(of)) return "";
  const module = await modules.load(of).catch(() => null);
  if (!module) return undefined;
  // It is damaged, sealed or hostile; it is not tried again before it changes.
  return unseen(module, "words", { name, bytes }).then(String, () => "");
}
