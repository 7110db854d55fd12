// The README of a folder, below its list.

import { FileSource } from "../viewer/source.js";
import { DRAW, GO, READ } from "./asks.js";
import { showsFiles } from "./shows_files.js";

/** What is looked for, in whatever case it is written. */
const NAME = "README.md";
/** A longer one is for its own page. */
const BYTES_MAX = 256 * 1024;

/**
 * What the regions show: which call was the last, the text, and what draws its pictures
 * and colours its code.
 */
const regions = new WeakMap();

/** Shows in a region what the folder's README says now, or hides it. */
export async function showsReadme(region, ask) {
  const known = regions.get(region) ?? begin(region);
  const call = ++known.calls;
  const { name, text } = await read(ask);
  if (known.calls !== call || (known.text === text && known.name === name)) return;
  const body = Object.assign(document.createElement("div"), { className: "markdown" });
  if (text) await ask(DRAW, [body, text]);
  if (known.calls !== call) return;
  Object.assign(known, { name, text });
  known.files?.end();
  known.files = text ? showsFiles(body, ask) : null;
  known.code?.end();
  known.code = null;
  region.replaceChildren(title(name, ask), body);
  region.setAttribute("aria-label", name);
  region.hidden = !text;
  if (!body.querySelector("pre[data-language]")) return;
  // A large part of the editor, for nothing but this.
  const { coloursCode } = await import("./code.js");
  if (body.isConnected) known.code = coloursCode(body);
}

function begin(region) {
  const known = { calls: 0, name: NAME, text: "", files: null, code: null };
  regions.set(region, known);
  const watch = new MutationObserver(() => {
    if (region.isConnected) return;
    watch.disconnect();
    known.calls++;
    known.files?.end();
    known.code?.end();
  });
  watch.observe(document.body, { childList: true, subtree: true });
  return known;
}

function title(name, ask) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "link" });
  button.textContent = name;
  button.addEventListener("click", () => ask(GO, [name]));
  return button;
}

async function read(ask) {
  const [name, size, port] = (await ask(READ, [NAME])) ?? [];
  const none = { name: NAME, text: "" };
  if (!port) return none;
  const source = new FileSource({ name, size, port });
  try {
    if (size > BYTES_MAX) return none;
    return { name, text: new TextDecoder().decode(await source.read(0, size)).trim() };
  } catch {
    return none;
  } finally {
    source.end();
  }
}
