// The service worker: from stopped to answering a request, with the server gone.

import { median, round } from "../support/figures.mjs";
import { Vault } from "../support/vault.mjs";

export const title = "service worker, stopped to answering";

export async function run({ reps }) {
  const vault = await Vault.create();
  try {
    await vault.page.run(() => navigator.serviceWorker.ready.then(() => true));
    await vault.opens("/");
    await vault.listed();
    await vault.server.kill();
    await vault.page.send("ServiceWorker.enable");
    const times = [];
    for (let rep = 0; rep < reps * 3; rep += 1) {
      await vault.page.send("ServiceWorker.stopAllWorkers");
      times.push(await vault.page.run(async () => {
        const begin = performance.now();
        const answer = await fetch("/manifest.webmanifest");
        await answer.arrayBuffer();
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        return performance.now() - begin;
      }));
    }
    return [{ figure: "stopped → answered from its cache", value: round(median(times)), unit: "ms", goal: "≤ 80" }];
  } finally {
    await vault.end();
  }
}
