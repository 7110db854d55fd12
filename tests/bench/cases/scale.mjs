// Curves: first list of a folder of 2,000, a merge of 10,000 scattered renames, and the
// tab's memory, in vaults of 10,000, 100,000 and (when asked for) 1,000,000 nodes.

import { median, round } from "../support/figures.mjs";
import { tabMemory } from "../support/process.mjs";
import { Vault } from "../support/vault.mjs";

export const title = "large vaults";

const RENAMES = 10_000;

async function measure(target, reps) {
  const vault = await Vault.create();
  let other;
  try {
    let begun = performance.now();
    const grown = await vault.grow(target, (count) => count % 80_000 < 9_000 && console.log(`    ${count} nodes …`));
    await vault.synced();
    const growing = performance.now() - begun;
    await vault.page.run(() => navigator.serviceWorker.ready.then(() => true));
    const lists = [];
    for (let rep = 0; rep < reps; rep += 1) {
      await vault.page.opens("about:blank");
      await vault.opens(vault.address(grown.folder));
      lists.push(await vault.listed());
    }
    await vault.synced();
    const memory = tabMemory(vault.browser.child.pid);
    const shown = await vault.page.run(() => document.querySelectorAll('[role="grid"] [role="row"]').length);

    console.log(`    ${grown.count} nodes: a second device joins …`);
    begun = performance.now();
    other = await vault.second();
    await vault.synced(other.page);
    const joining = performance.now() - begun;
    const joined = tabMemory(other.browser.child.pid);
    // This device is away while the other one renames; it comes back without the server,
    // so that nothing is merged before the clock starts.
    await vault.page.opens("about:blank");
    begun = performance.now();
    const last = await other.page.run(rename, RENAMES);
    const renaming = performance.now() - begun;
    await vault.synced(other.page);
    await other.browser.end();
    await vault.returnsOffline();
    await vault.server.restart();
    const merging = await vault.page.run(merged, last);
    const after = tabMemory(vault.browser.child.pid);
    return { count: grown.count, list: median(lists), memory, shown, merging, after, joining, joined, growing, renaming };
  } finally {
    await other?.browser.end();
    await vault.end();
  }
}

/** In the page: renames files of many folders, in turn; tells which was the last. */
async function rename(count) {
  const engine = globalThis.engineOf;
  const folders = [engine.ROOT];
  const shelves = [];
  for (let place = 0; place < folders.length && folders.length < 500; place += 1) {
    const { rows } = await engine.folder(folders[place], 500);
    folders.push(...rows.filter((row) => row.kind === 0).map((row) => row.node));
    const files = rows.filter((row) => row.kind !== 0);
    if (files.length > 0) shelves.push(files);
  }
  let last;
  for (let done = 0; done < count; done += 50) {
    const batch = Array.from({ length: Math.min(50, count - done) }, (_, place) => done + place);
    await Promise.all(batch.map((turn) => {
      const files = shelves[turn % shelves.length];
      last = { node: files[Math.floor(turn / shelves.length) % files.length].node, name: `A ${turn}` };
      return engine.rename(last.node, last.name);
    }));
  }
  return last;
}

/** In the page: the server is back; milliseconds until the last of the renames is here. */
async function merged({ node, name }) {
  const engine = globalThis.engineOf;
  const begun = performance.now();
  await engine.nudge();
  while ((await engine.nameOf(node)) !== name) await new Promise((resolve) => setTimeout(resolve, 20));
  return performance.now() - begun;
}

export async function run({ reps, million, nodes }) {
  const rows = [];
  for (const target of nodes ?? [10_000, 100_000, ...(million ? [1_000_000] : [])]) {
    const found = await measure(target, Math.min(reps, 5));
    const goals = target === 100_000 ? ["≤ 300", "≤ 2,000", "≤ 150"] : [];
    const row = (figure, value, unit, more = {}) => rows.push({ figure: `${found.count} nodes: ${figure}`, value: round(value, 0), unit, ...more });
    row("first list of a folder of 2,000", found.list, "ms", { goal: goals[0], note: `${found.shown} rows in the document` });
    row("merge of 10,000 renames", found.merging, "ms", { goal: goals[1] });
    row("memory of the tab", found.memory, "MiB", { goal: goals[2], note: `${round(found.after, 0)} after the merge` });
    row("a new device until on server", found.joining, "ms", { note: `${round(found.joined, 0)} MiB then` });
    row("10,000 renames until saved there", found.renaming, "ms");
    row("growing it, until on server", found.growing, "ms");
  }
  return rows;
}
