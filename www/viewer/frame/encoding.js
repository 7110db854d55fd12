// In which encoding a text is that does not say it.

/** The encoding of a text by its beginning, which may be all of it: marked, UTF-8, or that of old Windows. */
export function encodingOf(bytes, isWhole) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !isWhole });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}
