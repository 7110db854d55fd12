// The README of a folder, below its list.

import { FileSource } from "../viewer/source.js";
import { DRAW, GO, READ } from "./asks.js";
import { showsFiles } from "./shows_files.js";

/** What is looked for, in whatever case it is written. */
const NAME = "README.md";
/** A longer one is for its own page. */
const BYTES_MAX = 256 * 1024;

/** What the regions show: which call was the last, the text, and what draws its pictures. */
const regions = new WeakMap();

/** Shows in a region what the folder's README says now, or hides it. */
export async function showsReadme(region, ask) {
  const known = regions.get(region) ?? begin(region);
  const call = ++known.calls;
  const text = await read(ask);
  if (known.calls !== call || known.text === text) return;
  const body = Object.assign(document.createElement("div"), { className: "markdown" });
  if (text) await ask(DRAW, [body, text]);
  if (known.calls !== call) return;
  known.text = text;
  known.files?.end();
  known.files = text ? showsFiles(body, ask) : null;
  region.replaceChildren(title(ask), body);
  region.hidden = !text;
}

function begin(region) {
  const known = { calls: 0, text: "", files: null };
  regions.set(region, known);
  const watch = new MutationObserver(() => {
    if (region.isConnected) return;
    watch.disconnect();
    known.calls++;
    known.files?.end();
  });
  watch.observe(document.body, { childList: true, subtree: true });
  return known;
}

function title(ask) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "link" });
  button.textContent = NAME;
  button.addEventListener("click", () => ask(GO, [NAME]));
  return button;
}

async function read(ask) {
  const [name, size, port] = (await ask(READ, [NAME])) ?? [];
  if (!port) return "";
  const source = new FileSource({ name, size, port });
  try {
    return size > BYTES_MAX ? "" : new TextDecoder().decode(await source.read(0, size)).trim();
  } catch {
    return "";
  } finally {
    source.end();
  }
}
