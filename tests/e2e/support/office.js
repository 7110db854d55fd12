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

/** A document: the XML of its body, that of its notes, the bytes of its picture `p`, and of the one of itself. */
export function makeDocx({ body, notes = "", picture, own }) {
  const targets = [
    ["s", "styles", "styles.xml"],
    ["n", "numbering", "numbering.xml"],
    ["f", "footnotes", "footnotes.xml"],
    ["p", "image", "media/p.png"],
    ["l", "hyperlink", "javascript:top.ran=true"],
  ];
  const headings = [1, 2].map((level) => `<w:style w:styleId="H${level}"><w:name w:val="heading ${level}"/></w:style>`).join("");
  return makeZip([
    ["_rels/.rels", relations([["a", "officeDocument", "word/document.xml"], ["t", "thumbnail", "docProps/thumbnail.png"]])],
    ...(own ? [["docProps/thumbnail.png", own]] : []),
    ["word/_rels/document.xml.rels", relations(targets)],
    ["word/styles.xml", `<w:styles>${headings}</w:styles>`],
    [
      "word/numbering.xml",
      `<w:numbering><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%1)"/></w:lvl></w:abstractNum>
       <w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num></w:numbering>`,
    ],
    ["word/footnotes.xml", `<w:footnotes>${notes}</w:footnotes>`],
    ["word/media/p.png", picture ?? ""],
    ["word/document.xml", `<w:document><w:body>${body}</w:body></w:document>`],
  ]);
}

/** A paragraph of `makeDocx`; `style` is H1 or H2, and an item of its list has a number. */
export function paragraph(inside, { style, item } = {}) {
  const list = item ? '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>' : "";
  return `<w:p><w:pPr>${style ? `<w:pStyle w:val="${style}"/>` : ""}${list}</w:pPr>${inside}</w:p>`;
}

/** A run of letters of `makeDocx`. */
export const run = (text) => `<w:r><w:t xml:space="preserve">${escaped(text)}</w:t></w:r>`;

/** A book of `{ path, body }`, with parts `[path, content]` beside them and its contents as `[title, reference]`. */
export function makeEpub({ title, author, chapters, contents, more = [], lock = "" }) {
  const type = "application/xhtml+xml";
  const item = (path, at) => `<item id="c${at}" href="${path}" media-type="${type}"/>`;
  const page = (body) => `<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>${body}</body></html>`;
  const lines = contents.map(([name, to]) => `<li><a href="${to}">${escaped(name)}</a></li>`).join("");
  const locked = [["META-INF/encryption.xml", `<encryption><EncryptedData><EncryptionMethod Algorithm="${lock}"/></EncryptedData></encryption>`]];
  return makeZip([
    ["mimetype", "application/epub+zip"],
    ["META-INF/container.xml", '<container><rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'],
    [
      "OEBPS/book.opf",
      `<package><metadata><dc:title>${escaped(title)}</dc:title><dc:creator>${escaped(author)}</dc:creator></metadata><manifest>
       ${chapters.map(({ path }, at) => item(path, at)).join("")}<item id="n" href="nav.xhtml" properties="nav" media-type="${type}"/></manifest>
       <spine>${chapters.map((_, at) => `<itemref idref="c${at}"/>`).join("")}</spine></package>`,
    ],
    ["OEBPS/nav.xhtml", page(`<nav epub:type="toc"><ol>${lines}</ol></nav>`)],
    ...chapters.map(({ path, body }) => [`OEBPS/${path}`, page(body)]),
    ...(lock ? locked : []),
    ...more,
  ]);
}
