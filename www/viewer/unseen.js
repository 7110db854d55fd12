// A module that opens a file where nobody sees it: in a sandbox of its own, which is ended at once.

import { Sandbox } from "./sandbox.js";

/**
 * What a view makes of a file.
 *
 * @param {object} module as `modules.js` loads it
 * @param {string} view
 * @param {{ name: string, bytes: Uint8Array }} file its bytes are handed over
 */
export async function unseen(module, view, { name, bytes }) {
  const place = document.body.appendChild(Object.assign(document.createElement("div"), { hidden: true }));
  const sandbox = new Sandbox(place).load(module);
  try {
    const what = { view, of: module.name, name, size: bytes.length, depth: 0, language: "en", bytes };
    return await sandbox.show(what, { title: "", answers: {}, transfer: [bytes.buffer] });
  } finally {
    sandbox.end();
    place.remove();
  }
}
