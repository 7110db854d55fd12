// The script of the sandbox's frame: draws one file, with what its module says of it.
//
// It has no origin and asks no server. What it draws it makes element by element, with
// texts as texts. A module that breaks down or takes too long is ended, and the page told.

import pictureStyles from "../../styles/picture.css";
import tokens from "../../styles/tokens.css";
import { Line } from "../line.js";
import { sizeOf } from "../texts.js";
import { archive } from "./archive.js";
import { facts, placeless } from "./facts.js";
import styles from "./frame.css";
import documentStyles from "./document.css";
import { docx, epub } from "./document.js";
import { drawing, weight } from "./drawing.js";
import { hex } from "./hex.js";
import { page } from "./page.js";
import { Parser } from "./parser.js";
import { pdf } from "./pdf.js";
import pdfStyles from "./pdf.css";
import { sheet } from "./sheet.js";
import sheetStyles from "./sheet.css";
import { table } from "./table.js";
import { text } from "./text.js";
import { thumb } from "./thumb.js";
import { words } from "./words.js";

/**
 * What each view gets: what is shown (`name`, `size`, `depth`, `of`, `at`, `html`), `about`, the answer with which
 * its module opened it, and
 * - `root` (Element): what it fills;
 * - `ask(request)`: an answer of its module, `{ data, bytes }`;
 * - `read(start, end)`: bytes of the file;
 * - `line`: what the page may be asked, see `viewer.js`;
 * - `texts`, `sizeOf(bytes)`, `language`.
 */
const VIEWS = { archive, docx, drawing, epub, facts, hex, page, pdf, placeless, sheet, table, text, thumb, weight, words };

const line = { ask: () => {} };

/** The module that the file is opened with, where the view needs one. */
let parser;

/** Starts a module, before or without any file. */
async function load(module) {
  parser = new Parser(module, failed);
  await parser.loaded;
}

/** A failure after the file was opened: the page takes the frame away. */
function failed(reason) {
  line.ask("failed", { reason });
}

async function show(what) {
  const { view, of, name, size, depth, side, at, html, language, texts, theme, bytes, inPieces } = what;
  if (theme) document.documentElement.dataset.theme = theme;
  document.documentElement.lang = language;
  const shown = { of, name, size, depth, side, at, html, language, texts, line, sizeOf };
  shown.root = document.body.appendChild(document.createElement("main"));
  shown.root.className = view;
  shown.read = (start, end) => line.ask("read", { start, end });
  if (bytes || inPieces) {
    const opened = bytes ? parser.open(bytes, name) : parser.openInPieces(size, name, shown.read);
    shown.about = (await opened).data;
    shown.ask = (request) => parser.ask(request);
  }
  return VIEWS[view](shown);
}

const sheets = [tokens, styles, pdfStyles, sheetStyles, documentStyles, pictureStyles].map((style) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  return sheet;
});
document.adoptedStyleSheets = sheets;

// Modules' workers have addresses of this frame's own making.
globalThis.trustedTypes?.createPolicy("default", {
  createScriptURL: (address) => (address.startsWith("blob:null/") ? address : null),
});

/** Keys that the page has a use for where this frame has none. */
const KEYS = ["Escape", "ArrowLeft", "ArrowRight", "i"];

addEventListener("keydown", (event) => {
  const { key, target, defaultPrevented } = event;
  if (event.altKey && key === "Enter") return line.ask("key", { key: "Details" });
  if (defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !KEYS.includes(key)) return;
  const typed = target.closest("input");
  const wide = key.startsWith("Arrow") && [...document.querySelectorAll(".rows, .text-scroll, .pdf-pages")].some((one) => one.scrollWidth > one.clientWidth);
  if (!typed && !wide) line.ask("key", { key });
});

addEventListener(
  "message",
  ({ source, data, ports }) => {
    if (source !== parent || data !== "port") return;
    const made = new Line(ports[0], { load, show, ping: () => {} });
    line.ask = (...question) => made.ask(...question);
  },
  { once: true },
);
