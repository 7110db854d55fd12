// Whether the page's thread is ever blocked for more than 50 ms: while a gigabyte
// uploads, and while a vault of 10,000 nodes merges.

import { rm } from "node:fs/promises";

import { MIB, bigFile, folder, round } from "../support/figures.mjs";
import { Vault } from "../support/vault.mjs";
import { upload } from "./transfer.mjs";

export const title = "tasks of the page's thread above 50 ms";

async function observe(page) {
  await page.run(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) => globalThis.longTasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask" });
  });
}

async function longTasks(page) {
  const found = await page.run(() => globalThis.longTasks);
  return { count: found.length, longest: Math.max(0, ...found) };
}

async function gigabyte() {
  const disk = await folder("gigabyte");
  const file = await bigFile(disk, 1024 * MIB);
  const vault = await Vault.create();
  try {
    await vault.synced();
    await observe(vault.page);
    const ms = await upload(vault, "Upload files", [file]);
    const { count, longest } = await longTasks(vault.page);
    return { figure: "while 1 GiB uploads", value: count, goal: "0", note: `longest ${round(longest, 0)} ms; ${round(1024 * 1.048576 / (ms / 1000))} MB/s` };
  } finally {
    await vault.end();
    await rm(disk, { recursive: true, force: true });
  }
}

async function merge() {
  const vault = await Vault.create();
  let other;
  try {
    other = await vault.second();
    // The other device makes the nodes while this one is away; it then merges them all at
    // once, while it shows the list that they appear in.
    await vault.page.opens("about:blank");
    const { count } = await vault.grow(10_000, undefined, other.page);
    await vault.synced(other.page);
    await vault.returnsOffline();
    await observe(vault.page);
    await vault.server.restart();
    const ms = await vault.page.run(async (wanted) => {
      const engine = globalThis.engineOf;
      const begun = performance.now();
      await engine.nudge();
      while ((await engine.folder(engine.ROOT, 10)).total < wanted) await new Promise((resolve) => setTimeout(resolve, 50));
      return performance.now() - begun;
    }, 4);
    const { count: tasks, longest } = await longTasks(vault.page);
    return { figure: `while ${count} nodes merge`, value: tasks, goal: "0", note: `longest ${round(longest, 0)} ms; merged in ${round(ms, 0)} ms` };
  } finally {
    await other?.browser.end();
    await vault.end();
  }
}

export async function run() {
  return [await gigabyte(), await merge()];
}
