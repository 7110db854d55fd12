// Any file byte by byte: offset, hexadecimal, letters.

import { make, quietly } from "./dom.js";
import { Rows } from "./rows.js";

const ROW_PX = 22;
const WINDOW_BYTES = 64 * 1024;
const WINDOWS_MAX = 16;

export function hex({ root, size, read, texts }) {
  const wide = innerWidth >= 640;
  const width = wide ? 16 : 8;
  const windows = new Map();

  /** Bytes of a row, by way of the window that it is in. */
  async function bytesAt(offset) {
    const start = offset - (offset % WINDOW_BYTES);
    let part = windows.get(start);
    if (!part) {
      part = read(start, Math.min(size, start + WINDOW_BYTES));
      windows.set(start, part);
      part.catch(() => windows.delete(start));
      if (windows.size > WINDOWS_MAX) windows.delete(windows.keys().next().value);
    }
    return (await part).subarray(offset - start, offset - start + width);
  }

  async function draw(index) {
    const offset = index * width;
    const bytes = await bytesAt(offset);
    const codes = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
    if (wide) codes.splice(8, 0, "");
    const letters = Array.from(bytes, (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·"));
    return [
      make("span", { class: "hex-offset" }, offset.toString(16).padStart(8, "0")),
      make("span", { class: "hex-codes" }, codes.join(" ")),
      make("span", { class: "hex-letters" }, letters.join("")),
    ];
  }

  const rows = new Rows({ count: Math.ceil(size / width), height: ROW_PX, draw, label: texts.asHex });
  // No form: a sandbox sends none, not even to itself.
  const go = ({ target }) => {
    const offset = Number.parseInt(target.value, 16);
    if (offset >= 0 && offset < size) rows.show(Math.floor(offset / width));
  };
  const place = make("input", { class: "input", "aria-label": texts.goTo, placeholder: texts.goTo, spellcheck: "false", change: go });
  if (size > WINDOW_BYTES) root.append(make("div", { class: "tools" }, place));
  root.append(rows.element);
  quietly(rows.element).focus();
}
