// Files of office programs, made here.

import { makeZip } from "./archives.js";

const TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

export const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const relations = (list) =>
  `<Relationships>${list.map(([id, kind, target]) => `<Relationship Id="${id}" Type="${TYPES}/${kind}" Target="${target}"/>`).join("")}</Relationships>`;

/** Formats of the cells of `makeXlsx`, by number. */
const STYLES = `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="#,##0.00&quot; €&quot;"/></numFmts>
  <fonts><font/><font><b/></font></fonts>
  <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="0" fontId="1"/><xf numFmtId="9"/></cellXfs></styleSheet>`;

/** The formats' names in `makeXlsx`. */
export const STYLE = { plain: 0, date: 1, euro: 2, bold: 3, percent: 4 };

const cell = (value) => {
  if (value === null) return "<c/>";
  const { text, number, style = 0, t } = typeof value === "object" ? value : typeof value === "number" ? { number: value } : { text: value };
  if (t) return `<c t="${t}" s="${style}"><v>${escaped(text)}</v></c>`;
  if (number !== undefined) return `<c s="${style}"><v>${number}</v></c>`;
  return `<c t="inlineStr" s="${style}"><is><t>${escaped(text)}</t></is></c>`;
};

/** A workbook of `{ name, rows, merges, hidden }`. */
export function makeXlsx(sheets) {
  const list = sheets.map(({ name, hidden }, at) => `<sheet name="${escaped(name)}" sheetId="${at + 1}" r:id="r${at}"${hidden ? ' state="hidden"' : ""}/>`);
  const parts = sheets.map(({ rows, merges = [] }, at) => {
    const data = rows.map((row) => `<row>${row.map(cell).join("")}</row>`).join("");
    const merged = merges.length ? `<mergeCells>${merges.map((ref) => `<mergeCell ref="${ref}"/>`).join("")}</mergeCells>` : "";
    return [`xl/worksheets/${at}.xml`, `<worksheet><sheetData>${data}</sheetData>${merged}</worksheet>`];
  });
  return makeZip([
    ["_rels/.rels", relations([["a", "officeDocument", "xl/workbook.xml"]])],
    ["xl/workbook.xml", `<workbook xmlns:r="r"><sheets>${list.join("")}</sheets></workbook>`],
    ["xl/_rels/workbook.xml.rels", relations([...sheets.map((_, at) => [`r${at}`, "worksheet", `worksheets/${at}.xml`]), ["s", "styles", "styles.xml"]])],
    ["xl/styles.xml", STYLES],
    ...parts,
  ]);
}
