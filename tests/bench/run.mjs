// The benchmarks: `cargo xtask bench [--reps N] [--million] [name…]`, or this file by node.
//
// Prints a table, and writes the same as JSON beside the machine's name and load into
// `tests/bench/output/`. Nothing here fails because something is slow.

import { mkdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { print } from "./support/figures.mjs";

const NAMES = ["start", "worker", "keys", "transfer", "smooth", "scale", "trace"];
const HERE = path.dirname(fileURLToPath(import.meta.url));

function options(given) {
  const chosen = { reps: 5, million: false, names: [] };
  for (let place = 0; place < given.length; place += 1) {
    const word = given[place];
    if (word === "--reps") chosen.reps = Number(given[(place += 1)]);
    else if (word === "--million") chosen.million = true;
    else if (NAMES.includes(word)) chosen.names.push(word);
    else throw new Error(`unknown: ${word}; benchmarks are ${NAMES.join(", ")}; options are --reps N and --million`);
  }
  if (!Number.isInteger(chosen.reps) || chosen.reps < 1) throw new Error("--reps wants a number from 1");
  if (chosen.names.length === 0) chosen.names = NAMES;
  return chosen;
}

const chosen = options(process.argv.slice(2));
const machine = { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memory_gib: Math.round(os.totalmem() / 2 ** 30) };
const results = [];
let failed = false;
for (const name of chosen.names) {
  const { title, run } = await import(`./cases/${name}.mjs`);
  const load = os.loadavg()[0];
  try {
    const rows = await run(chosen);
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
