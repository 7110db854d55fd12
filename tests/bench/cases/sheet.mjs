// A workbook that is in memory: until its first sheet is read and its first rows are known as they are
// shown. Ours as the preview does it: a new worker for each file, its module compiled with the first file
// and before each that follows; SheetJS in one worker for all, told to read that sheet alone. The files are those that `cargo xtask corpus` fetched.

import { readFile } from "node:fs/promises";
import path from "node:path";

import { compare, parserOf, sample } from "../support/corpus.mjs";
import { packageOf, Stage } from "../support/stage.mjs";

export const title = "the first rows of a workbook, in one browser";

const FILES = 200;
/** As many as a tall window shows. */
const ROWS = 60;

/** SheetJS in its worker. */
const THEIRS = `
importScripts("/xlsx.js");
onmessage = ({ data: { file, rows } }) => {
  try {
    const { Sheets, SheetNames } = XLSX.read(new Uint8Array(file), { sheets: 0, cellHTML: false, cellNF: false });
    const sheet = Sheets[SheetNames[0]];
    const whole = XLSX.utils.decode_range(sheet["!ref"] ?? "A1");
    const range = { s: whole.s, e: { c: whole.e.c, r: Math.min(whole.e.r, whole.s.r + rows - 1) } };
    postMessage({ rows: XLSX.utils.sheet_to_json(sheet, { header: 1, raw: false, range }).length });
  } catch (error) {
    postMessage({ refused: String(error) });
  }
};
`;

/** Reads each file by both, in turns; milliseconds, or null where one of them does not. */
async function measure(given) {
  const { inTurns } = await import("/parser.mjs");
  const theirs = new Worker("/theirs.js");

  async function offing(parser, file) {
    try {
      await parser.open(file, "file");
      await parser.ask({ sheet: { index: 0 } });
      await parser.ask({ rows: { start: 0, end: given.rows } });
    } finally {
      parser.end();
    }
  }

  const sheetjs = (file) =>
    new Promise((resolve, reject) => {
      theirs.onmessage = ({ data }) => (data.refused ? reject(new Error(data.refused)) : resolve());
      theirs.postMessage({ file, rows: given.rows }, [file]);
    });

  return inTurns(given, offing, "SheetJS", sheetjs);
}

export async function run() {
  const { files: own, ...parser } = await parserOf("sheet");
  const xlsx = await readFile(path.join(packageOf("xlsx"), "dist/xlsx.full.min.js"));
  const files = { ...own, ...(await sample(/\.(xlsx|xlsm|ods)$/i, FILES)), "/theirs.js": THEIRS, "/xlsx.js": xlsx };
  const stage = await Stage.open(files);
  try {
    return compare(await stage.page.run(measure, { count: FILES, rows: ROWS, ...parser }), "SheetJS");
  } finally {
    await stage.end();
  }
}
