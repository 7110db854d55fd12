// A sample of the real files that `cargo xtask corpus` fetched, and two that show them in turns.

import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { median, MIB, quantile, round } from "./figures.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CORPUS = path.join(HERE, "../../../target/corpus/files");
const BYTES_MIN = 2_000;
const BYTES_MAX = 8 * MIB;

/** So many files whose names end so, spread over all: `{ "/file-0": bytes, … }`. */
export async function sample(ending, count) {
  const names = (await readdir(CORPUS, { recursive: true }).catch(() => [])).filter((name) => ending.test(name)).sort();
  const fit = [];
  for (const name of names) {
    const { size } = await stat(path.join(CORPUS, name));
    if (size > BYTES_MIN && size <= BYTES_MAX) fit.push(name);
  }
  if (fit.length < count) throw new Error(`there are ${fit.length} files in target/corpus; cargo xtask corpus fetches them`);
  const files = {};
  for (let place = 0; place < count; place += 1) {
    files[`/file-${place}`] = await readFile(path.join(CORPUS, fit[Math.floor((place * fit.length) / count)]));
  }
  return files;
}

/** The script and the module of a parser in the built app; `files` is what the page needs to run them. */
export async function parserOf(format) {
  const assets = await readdir(path.join(process.env.OFFING_ASSETS, "assets"));
  const asset = (ending) => `/assets/${assets.find((name) => name.startsWith(`preview-${format}-`) && name.endsWith(ending))}`;
  return { script: asset(".js"), wasm: asset(".wasm"), files: { "/parser.mjs": await readFile(path.join(HERE, "parser.mjs")) } };
}

/** What is to be said of two lists of milliseconds, null where a file was not shown. */
export function compare(found, other) {
  const both = found.offing.map((time, at) => [time, found[other][at]]).filter((pair) => !pair.includes(null));
  const rows = ["offing", other].flatMap((name, side) => [
    { figure: `${name}: files shown, of ${found[name].length}`, value: found[name].filter((time) => time !== null).length },
    { figure: `${name}: median of what both show`, value: round(median(both.map((pair) => pair[side]))), unit: "ms" },
    { figure: `${name}: 9 of 10 are sooner than`, value: round(quantile(both.map((pair) => pair[side]), 0.9)), unit: "ms" },
  ]);
  const ratio = median(both.map(([ours, theirs]) => theirs / ours));
  return [...rows, { figure: `${other}'s time, in the median of files`, value: round(ratio, 2), unit: "times ours" }];
}
