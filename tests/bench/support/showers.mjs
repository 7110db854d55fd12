// Who shows files of a format, ours and another, and all that a page needs to run them.

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { parserOf } from "./corpus.mjs";
import { packageOf } from "./stage.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));

/** SheetJS in its worker, told to read the first sheet alone; it holds the workbook until it is told otherwise. */
const SHEETJS = `
importScripts("/xlsx.js");
let held = null;
onmessage = ({ data: { file, rows } }) => {
  held = null;
  if (!file) return;
  try {
    held = XLSX.read(new Uint8Array(file), { sheets: 0, cellHTML: false, cellNF: false });
    const sheet = held.Sheets[held.SheetNames[0]];
    const whole = XLSX.utils.decode_range(sheet["!ref"] ?? "A1");
    const range = { s: whole.s, e: { c: whole.e.c, r: Math.min(whole.e.r, whole.s.r + rows - 1) } };
    postMessage({ rows: XLSX.utils.sheet_to_json(sheet, { header: 1, raw: false, range }).length });
  } catch (error) {
    postMessage({ refused: String(error) });
  }
};
`;

/** By format: the other's name, which files, and the other's own. */
const FORMATS = {
  pdf: { other: "pdf.js", ending: /\.pdf$/i, files: pdfjs },
  sheet: {
    other: "SheetJS",
    ending: /\.(xlsx|xlsm|ods)$/i,
    files: async () => ({ "/theirs.js": SHEETJS, "/xlsx.js": await readFile(path.join(packageOf("xlsx"), "dist/xlsx.full.min.js")) }),
  },
};

/** `{ other, ending, files, script, module }`: `/shows.mjs` is among the files, and imports `/parser.mjs`'s like. */
export async function showersOf(format) {
  const { other, ending, files } = FORMATS[format];
  const { files: own, ...parser } = await parserOf(format);
  const shows = await readFile(path.join(HERE, `shows_${format}.mjs`));
  return { other, ending, files: { ...own, ...(await files()), "/shows.mjs": shows }, ...parser };
}

async function pdfjs() {
  const from = packageOf("pdfjs-dist");
  const files = {
    "/pdf.mjs": await readFile(path.join(from, "build/pdf.min.mjs")),
    "/pdf.worker.mjs": await readFile(path.join(from, "build/pdf.worker.min.mjs")),
  };
  for (const folder of ["cmaps", "standard_fonts"]) {
    for (const name of await readdir(path.join(from, folder))) files[`/${folder}/${name}`] = await readFile(path.join(from, folder, name));
  }
  return files;
}
