// Whether a drawing (SVG) that the page wants to draw itself can be drawn in bounded time.

import { Sandbox } from "./sandbox.js";

/** What a sandbox says that nobody sees and that counts it (`frame/weight.js`); it draws nothing. */
export async function isLight(bytes) {
  const place = document.body.appendChild(Object.assign(document.createElement("div"), { hidden: true }));
  const sandbox = new Sandbox(place);
  const read = ({ start, end }) => bytes.slice(start, end);
  try {
    const hung = new Promise((_, reject) => sandbox.watch(() => reject(new Error("it hangs"))));
    const what = { view: "weight", name: "", size: bytes.length, depth: 0, language: "en" };
    await Promise.race([sandbox.show(what, { title: "", answers: { read } }), hung]);
    return true;
  } catch {
    return false;
  } finally {
    sandbox.end();
    place.remove();
  }
}
