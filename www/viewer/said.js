// What a PDF says of itself, as lines of words.

import { fill } from "./texts.js";

/** Millimetres of a point. */
const MM = 25.4 / 72;
/** Sizes of paper that people know by name, in millimetres, and how far a page may be from one. */
const PAPERS = [["A3", 297, 420], ["A4", 210, 297], ["A5", 148, 210], ["Letter", 215.9, 279.4], ["Legal", 215.9, 355.6]];
const NEAR_MM = 1.5;

/** The size of its first page, and whether others have another. */
export function paperOf(pages, texts) {
  const mm = (points) => Math.round(points * MM);
  const [width, height] = pages[0];
  const size = fill(texts.millimetres, { width: mm(width), height: mm(height) });
  const near = (side, known) => Math.abs(side * MM - known) < NEAR_MM;
  const [paper] = PAPERS.find(([, short, long]) => near(Math.min(width, height), short) && near(Math.max(width, height), long)) ?? [];
  const named = paper ? `${size} (${paper})` : size;
  const others = pages.some((page) => mm(page[0]) !== mm(width) || mm(page[1]) !== mm(height));
  return others ? fill(texts.notAll, { size: named }) : named;
}

/**
 * What is shown, as `[what, text]`: what is not said has no line.
 *
 * @param {{ pages: [number, number][], properties: Record<string, string> }} overview
 * @param {string} protection what protects it, if anything does
 */
export function saidOf({ pages, properties }, texts, protection) {
  const { created, modified, ...said } = properties;
  const told = { ...said, created, modified, pages: String(pages.length), pageSize: paperOf(pages, texts), protection };
  return Object.entries(told).flatMap(([name, value]) => (value ? [[texts[name], value]] : []));
}
