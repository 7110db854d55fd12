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
  return { script: asset(".js"), module: asset(".wasm"), files: { "/parser.mjs": await readFile(path.join(HERE, "parser.mjs")) } };
}

/** What is to be said of lists of milliseconds, null where a file was not shown, beside the `other`'s. */
export function compare(found, other) {
  const lists = Object.entries(found);
  const shown = found[other].map((_, at) => at).filter((at) => lists.every(([, times]) => times[at] !== null));
  const rows = lists.flatMap(([name, times]) => [
    { figure: `${name}: files shown, of ${times.length}`, value: times.filter((time) => time !== null).length },
    { figure: `${name}: median of what all show`, value: round(median(shown.map((at) => times[at]))), unit: "ms" },
    { figure: `${name}: 9 of 10 are sooner than`, value: round(quantile(shown.map((at) => times[at]), 0.9)), unit: "ms" },
  ]);
  const ours = lists.filter(([name]) => name !== other);
  const ratios = ours.map(([name, times]) => {
    const value = round(median(shown.map((at) => found[other][at] / times[at])), 2);
    return { figure: `${other}'s time, in the median of files`, value, unit: `times that of ${name}` };
  });
  return [...rows, ...ratios];
}
