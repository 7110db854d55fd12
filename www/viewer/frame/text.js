// Any file as text, a piece at a time, as far as somebody scrolls.

import { make, quietly } from "./dom.js";
import { TEXT_BYTES_MAX } from "../limits.js";

const PIECE_BYTES = 128 * 1024;

export async function text({ root, name, size, read, texts }) {
  const scroll = make("div", { class: "text-scroll", tabindex: "0", role: "document", "aria-label": name });
  root.append(scroll);
  const end = Math.min(size, TEXT_BYTES_MAX);
  let at = 0;
  let decoder = null;

  async function more() {
    const bytes = await read(at, Math.min(end, at + PIECE_BYTES));
    decoder ??= new TextDecoder(encodingOf(bytes));
    at += bytes.length;
    scroll.append(make("pre", {}, decoder.decode(bytes, { stream: at < size })));
    if (at >= end && end < size) scroll.append(make("p", { class: "note" }, texts.more));
  }

  let reading = more();
  await reading;
  quietly(scroll).focus();
  scroll.addEventListener("scroll", () => {
    const near = scroll.scrollHeight - scroll.scrollTop < scroll.clientHeight * 3;
    if (near && at < end) reading = reading.then(() => (at < end ? more() : undefined)).catch(() => {});
  });
}

/** The encoding of a text by its beginning: marked, UTF-8, or that of old Windows. */
function encodingOf(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}
