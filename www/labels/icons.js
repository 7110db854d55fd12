// The icon of a file by its name, where the page's wasm is not asked.

const FOLDER = 0;
const TEXT = 1;
const ICONS = [
  [/\.(?:avif|bmp|gif|heic|jpe?g|png|svg|tiff?|webp)$/i, "file-image"],
  [/\.(?:aac|flac|m4a|mp3|ogg|opus|wav)$/i, "file-audio"],
  [/\.(?:avi|m4v|mkv|mov|mp4|webm)$/i, "file-video"],
  [/\.pdf$/i, "files"],
  [/\.(?:doc[mx]?|odt|rtf)$/i, "file-type"],
  [/\.(?:csv|ods|tsv|xls[mx]?)$/i, "file-spreadsheet"],
  [/\.epub$/i, "book-open"],
  [/\.(?:7z|gz|rar|tar|tgz|zip|zst)$/i, "file-archive"],
];

/** The name of the icon of what is called so, and is of this kind; without one it has words. */
export function iconOf(name, kind = TEXT) {
  if (kind === FOLDER) return "folder";
  return ICONS.find(([names]) => names.test(name))?.[1] ?? (kind === TEXT ? "file-text" : "file");
}
