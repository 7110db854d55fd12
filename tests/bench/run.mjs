// The benchmarks: `cargo xtask bench [--reps N] [--million] [name…]`, or this file by node.
//
// Prints a table, and writes the same as JSON beside the machine's name and load into
// `tests/bench/output/`. Nothing here fails because something is slow, but a case that does
// not end is ended, with its browsers and servers, and the next one goes on. All files are
// below one temporary folder, which is removed.

import { rmSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Chromium } from "./support/chromium.mjs";
import { peers } from "./support/copyparty.mjs";
import { print } from "./support/figures.mjs";
import { Vault } from "./support/vault.mjs";

/** The cases, and how many minutes each may take before it is given up. */
const MINUTES = { markdown: 10, pdf: 20, sheet: 20, memory: 10, start: 15, worker: 5, keys: 5, edit: 15, search: 20, transfer: 30, delta: 10, smooth: 20, scale: 60, trace: 60 };
const MINUTES_MILLION = 240;
const NAMES = Object.keys(MINUTES);
const HERE = path.dirname(fileURLToPath(import.meta.url));

function options(given) {
  const chosen = { reps: 5, million: false, nodes: null, names: [] };
  for (let place = 0; place < given.length; place += 1) {
    const word = given[place];
    if (word === "--reps") chosen.reps = Number(given[(place += 1)]);
    else if (word === "--million") chosen.million = true;
    else if (word === "--nodes") chosen.nodes = given[(place += 1)].split(",").map(Number);
    else if (NAMES.includes(word)) chosen.names.push(word);
    else throw new Error(`unknown: ${word}; benchmarks are ${NAMES.join(", ")}; options are --reps N, --million and --nodes N,N`);
  }
  if (!Number.isInteger(chosen.reps) || chosen.reps < 1) throw new Error("--reps wants a number from 1");
  if (chosen.nodes?.some((count) => !(count >= 10_000))) throw new Error("--nodes wants numbers from 10000, with commas between");
  if (chosen.names.length === 0) chosen.names = NAMES;
  return chosen;
}

/** Ends every browser and server that a case left running. */
async function endAll() {
  const each = [...Chromium.running].map((browser) => browser.end());
  await Promise.allSettled([...each, ...[...Vault.running].map((vault) => vault.end())]);
  for (const peer of peers) peer.end();
}

/** Runs a case, for so many minutes at most. */
async function bounded(work, minutes) {
  let late;
  const tooLate = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error(`it did not end within ${minutes} minutes`)), minutes * 60_000);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(late);
    // What was given up fails when its browser ends; it was reported already.
    work.catch(() => {});
    await endAll();
  }
}

const chosen = options(process.argv.slice(2));
const temporary = await mkdtemp(path.join(os.tmpdir(), "offing-bench-"));
process.env.TMPDIR = temporary;
process.on("exit", () => rmSync(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void endAll().finally(() => process.exit(1)));
const machine = { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memory_gib: Math.round(os.totalmem() / 2 ** 30) };
const results = [];
let failed = false;
for (const name of chosen.names) {
  const { title, run } = await import(`./cases/${name}.mjs`);
  const load = os.loadavg()[0];
  try {
    const minutes = name === "scale" && (chosen.million || chosen.nodes) ? MINUTES_MILLION : MINUTES[name];
    const rows = await bounded(run(chosen), minutes);
    print(title, rows);
    results.push({ name, load, rows });
  } catch (error) {
    failed = true;
    console.error(`\n${title}: could not be measured\n  ${error.stack}`);
    results.push({ name, load, error: String(error) });
  }
}
const output = path.join(HERE, "output");
await mkdir(output, { recursive: true });
const at = new Date().toISOString();
const file = path.join(output, `${at.replaceAll(":", "-").slice(0, 19)}.json`);
await writeFile(file, `${JSON.stringify({ at, machine, reps: chosen.reps, results }, null, 2)}\n`);
console.log(`\nwritten to ${path.relative(process.cwd(), file)}`);
process.exit(failed ? 1 : 0);
