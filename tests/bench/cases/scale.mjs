// Curves: first list of a folder of 2,000, a merge of 10,000 scattered renames, and the
// tab's memory, in vaults of 10,000, 100,000 and (when asked for) 1,000,000 nodes.

import { median, round } from "../support/figures.mjs";
import { tabMemory } from "../support/process.mjs";
import { Vault } from "../support/vault.mjs";

export const title = "large vaults";

async function measure(target, renames, reps) {
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

    begun = performance.now();
    other = await vault.second();
    await vault.synced(other.page);
    const joining = performance.now() - begun;
    // This device is away while the other one renames; then it comes back and merges.
    await vault.page.opens("about:blank");
    const last = await other.page.run(rename, renames);
    await vault.synced(other.page);
    await vault.opens("/");
    await vault.listed();
    begun = performance.now();
    await vault.page.run(merged, last);
    const merging = performance.now() - begun;
    return { count: grown.count, list: median(lists), memory, merging, joining, growing };
  } finally {
    await other?.browser.end();
    await vault.end();
  }
}

/** In the page: renames files of many folders, in turn; tells where the last one is. */
async function rename(count) {
  const engine = globalThis.engineOf;
  const files = [];
  const folders = [engine.ROOT];
  while (folders.length > 0 && files.length < count) {
    const folder = folders.shift();
    for (const row of (await engine.folder(folder, 500)).rows) {
      if (row.kind === 0) folders.push(row.node);
      else files.push({ folder, node: row.node });
    }
  }
  let last;
  for (let done = 0; done < count; done += 50) {
    const batch = Array.from({ length: Math.min(50, count - done) }, (_, place) => done + place);
    await Promise.all(batch.map((turn) => engine.rename((last = files[turn % files.length]).node, `A ${turn}`)));
  }
  return { ...last, name: `A ${count - 1}` };
}

/** In the page: waits until the last of the renames is in its folder's list. */
async function merged({ folder, node, name }) {
  for (;;) {
    const { rows } = await globalThis.engineOf.folder(folder, 500);
    if (rows.some((row) => row.node === node && row.name === name)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function run({ reps, million }) {
  const rows = [];
  for (const target of [10_000, 100_000, ...(million ? [1_000_000] : [])]) {
    const found = await measure(target, 10_000, Math.min(reps, 5));
    const goals = target === 100_000 ? ["≤ 300", "≤ 2,000", "≤ 150"] : [];
    rows.push(
      { figure: `${found.count} nodes: first list of a folder`, value: round(found.list), unit: "ms", goal: goals[0] },
      { figure: `${found.count} nodes: merge of 10,000 renames`, value: round(found.merging, 0), unit: "ms", goal: goals[1] },
      { figure: `${found.count} nodes: memory of the tab`, value: round(found.memory), unit: "MiB", goal: goals[2] },
      { figure: `${found.count} nodes: a new device until on server`, value: round(found.joining, 0), unit: "ms" },
    );
  }
  return rows;
}
