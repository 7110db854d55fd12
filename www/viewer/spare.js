// A sandbox in reserve: the next file of a kind need not wait until its module is compiled.
//
// Each file has a sandbox of its own, so each has its module compiled anew; for PDF that takes longer than
// all the rest. While a file is looked at, or pointed at in a list, an empty sandbox with its module is made beside
// the page, and moved into the next preview. No sandbox ever sees two files. Where a browser cannot move a
// frame without loading it anew, there is none.

import * as modules from "./modules.js";
import { Sandbox } from "./sandbox.js";

/** How long one waits for a file: people who look through a folder need less. */
const WAITS_MS = 2 * 60_000;

/** `{ name, version, sandbox, timer }` */
let spare = null;

/** A sandbox with a module, in an element: the one in reserve, or a new one. */
export function take(module, parent) {
  if (spare?.version !== module.version) return new Sandbox(parent).load(module);
  const { sandbox, timer } = spare;
  clearTimeout(timer);
  spare = null;
  parent.moveBefore(sandbox.element, null);
  return sandbox;
}

/** Has one in reserve from now on, once the page has nothing else to do. */
export function prepare(module) {
  if (!Element.prototype.moveBefore || spare?.version === module.version) return;
  drop();
  requestIdleCallback(() => {
    if (spare) return;
    const sandbox = new Sandbox(shelf()).load(module);
    spare = { name: module.name, version: module.version, sandbox, timer: setTimeout(drop, WAITS_MS) };
    sandbox.ready.catch(() => sandbox === spare?.sandbox && drop());
  });
}

/** Has one in reserve for a file that may be opened next. */
export async function ready(name) {
  if (spare?.name !== name) prepare(await modules.load(name));
}

function drop() {
  clearTimeout(spare?.timer);
  spare?.sandbox.end();
  spare = null;
}

/** Where it stands: nobody sees or reaches it. */
function shelf() {
  const known = document.getElementById("spare-previews");
  if (known) return known;
  const element = document.createElement("div");
  Object.assign(element, { id: "spare-previews", hidden: true });
  document.body.append(element);
  return element;
}
