// What a tab takes more for a file that is open: the parser that reads it, and what it holds of the file. Each
// is shown in a browser of its own by ours or by the other, and the tab measured before anything was
// loaded and while the file is shown. The files are those that `cargo xtask corpus` fetched.

import { median, quantile, round } from "../support/figures.mjs";
import { sample } from "../support/corpus.mjs";
import { tabMemory } from "../support/process.mjs";
import { showersOf } from "../support/showers.mjs";
import { Stage } from "../support/stage.mjs";

export const title = "memory of the tab for an open file";

const FILES = 12;

/** Shows a file and keeps it. */
async function hold({ ours, at, script, module }) {
  const bytesOf = async (url) => (await fetch(url)).arrayBuffer();
  const shows = await import("/shows.mjs");
  const file = await bytesOf(`/file-${at}`);
  if (ours) {
    const { Parser } = await import("/parser.mjs");
    globalThis.held = new Parser(script);
    await globalThis.held.load(await bytesOf(module));
    await shows.offing(globalThis.held, file);
  } else {
    await shows.begin();
    globalThis.held = await shows.other(file);
  }
}

/** MiB that a tab has more with a file than without, or null where it is not shown. */
async function taken(files, given) {
  const stage = await Stage.open(files);
  try {
    const before = tabMemory(stage.pid);
    await stage.page.run(hold, given);
    return tabMemory(stage.pid) - before;
  } catch {
    return null;
  } finally {
    await stage.end();
  }
}

export async function run() {
  const rows = [];
  for (const format of ["pdf", "sheet"]) {
    const { other, ending, files, ...parser } = await showersOf(format);
    const all = { ...files, ...(await sample(ending, FILES)) };
    const found = { offing: [], [other]: [] };
    for (let at = 0; at < FILES; at += 1) {
      for (const name of Object.keys(found)) found[name].push(await taken(all, { ours: name === "offing", at, ...parser }));
    }
    const shown = found.offing.map((_, at) => at).filter((at) => Object.values(found).every((list) => list[at] !== null));
    for (const [name, list] of Object.entries(found)) {
      const each = shown.map((at) => list[at]);
      rows.push({ figure: `${format}, ${name}: median of ${shown.length} files`, value: round(median(each)), unit: "MiB" });
      rows.push({ figure: `${format}, ${name}: 9 of 10 take less than`, value: round(quantile(each, 0.9)), unit: "MiB" });
    }
  }
  return rows;
}
