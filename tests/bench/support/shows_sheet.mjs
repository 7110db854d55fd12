// In the stage's page: the first rows of a workbook's first sheet, as they are shown.

/** As many as a tall window shows. */
const ROWS = 60;
let theirs = null;

/** By a parser of ours, which has its module. */
export async function offing(parser, file) {
  await parser.open(file, "file");
  await parser.ask({ sheet: { index: 0 } });
  await parser.ask({ rows: { start: 0, end: ROWS } });
}

/** Starts SheetJS in its worker, one for all files. */
export async function begin() {
  theirs = new Worker("/theirs.js");
}

/** By SheetJS; what lets it go. */
export function other(file) {
  return new Promise((resolve, reject) => {
    theirs.onmessage = ({ data }) => (data.refused ? reject(new Error(data.refused)) : resolve(() => theirs.postMessage({})));
    theirs.postMessage({ file, rows: ROWS }, [file]);
  });
}
