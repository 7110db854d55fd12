// Kinds of files as people tell them apart, and what the ends of names have to do with it. What
// is found by what is in it the searcher sorts itself; its names for kinds are these.

/** Those with words in them; the others are found by their names alone. */
const WITH_WORDS = ["text", "pdf", "document", "sheet"];

export const KINDS = [...WITH_WORDS, "picture", "audio", "video", "archive", "folder"];

const ENDS = {
  pdf: ["pdf"],
  document: ["epub", "docx", "docm", "doc", "odt", "rtf"],
  sheet: ["xlsx", "xlsm", "xls", "ods", "csv", "tsv"],
};
const ICONS = {
  folder: "folder",
  "file-image": "picture",
  "file-audio": "audio",
  "file-video": "video",
  "file-archive": "archive",
  "file-code": "text",
  "file-text": "text",
};

/** Says whether contents of this kind can have words; all kinds are the empty one. */
export const hasWords = (kind) => !kind || WITH_WORDS.includes(kind);

/** The kind of what has this icon and name; `undefined` for what is of none. */
export function kindOf(icon, name) {
  const end = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  const byEnd = Object.keys(ENDS).find((kind) => ENDS[kind].includes(end));
  return (icon !== "folder" && byEnd) || ICONS[icon];
}
