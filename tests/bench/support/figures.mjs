// Medians, tables, and files to upload that are the same in every run.

import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";

export const MIB = 1024 * 1024;

/** The value below which a share of the values is. */
export function quantile(values, share) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export const median = (values) => quantile(values, 0.5);

export const round = (value, digits = 1) => Number(value.toFixed(digits));

/** Prints rows of one benchmark under each other. */
export function print(title, rows) {
  console.log(`\n${title}`);
  for (const { figure, value, unit, goal, note } of rows) {
    const parts = [figure.padEnd(52), String(value).padStart(10), unit ?? ""];
    if (goal) parts.push(`(goal ${goal})`);
    if (note) parts.push(`– ${note}`);
    console.log(`  ${parts.join(" ")}`);
  }
}

/** Bytes that look random; `seed` tells them apart. */
export function noise(length, seed) {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let place = 0; place < words.length; place += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[place] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}

export async function folder(name) {
  return mkdtemp(path.join(tmpdir(), `offing-bench-${name}-`));
}

/** One big file. */
export async function bigFile(below, bytes) {
  const file = path.join(below, "big.bin");
  const out = createWriteStream(file);
  for (let done = 0, seed = 1; done < bytes; done += 4 * MIB, seed += 1) {
    if (!out.write(noise(Math.min(4 * MIB, bytes - done), seed))) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
  return file;
}

/** 2,000 files of 4 to 64 KiB; returns the folder that holds them, and their bytes. */
export async function smallFiles(below, count = 2000) {
  const root = path.join(below, "small");
  await mkdir(root);
  let bytes = 0;
  for (let place = 0; place < count; place += 1) {
    const length = 4096 + ((place * 2_654_435_761) % (60 * 1024));
    bytes += length;
    await writeFile(path.join(root, `file ${place}.bin`), noise(length, place + 1));
  }
  return { root, bytes, count };
}
