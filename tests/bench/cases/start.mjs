// Start-up with no network: from navigation to the list of a 10,000-node vault shown,
// beside copyparty's second visit to a folder of 2,000 files on a live server.
//
// Both are watched from outside in the same way: the 10th row is in the document and a
// frame was painted since.

import { rm } from "node:fs/promises";

import { Chromium } from "../support/chromium.mjs";
import { copyparty } from "../support/copyparty.mjs";
import { folder, median, round, smallFiles } from "../support/figures.mjs";
import { Vault } from "../support/vault.mjs";

export const title = "offline start, 10,000 nodes";

const OURS = 'document.querySelectorAll(\'[role="grid"] [role="row"]\').length > 10';
const THEIRS = 'document.querySelector("#files tbody tr:nth-child(10)")';

async function watch(page, condition) {
  await page.send("Page.addScriptToEvaluateOnNewDocument", {
    source: `(() => { const look = () => { if (${condition}) requestAnimationFrame(() => setTimeout(() => performance.mark("bench:shown"))); else setTimeout(look, 1); }; look(); })()`,
  });
}

/** One visit in a browser that has just been started on the profile. */
async function visit(profile, url, condition) {
  const browser = await Chromium.start(profile);
  const page = await browser.page();
  await watch(page, condition);
  await page.opens(url);
  const shown = await page.mark("bench:shown");
  await page.opens("about:blank");
  await page.opens(url);
  const again = await page.mark("bench:shown");
  await browser.end({ keep: true });
  return { shown, again };
}

export async function run({ reps }) {
  const vault = await Vault.create();
  const disk = await folder("start");
  const { root } = await smallFiles(disk);
  const peer = await copyparty(root);
  const peerProfile = await folder("peer-profile");
  try {
    const grown = await vault.grow(10_000);
    await vault.synced();
    await vault.page.run(() => navigator.serviceWorker.ready.then(() => true));
    await vault.browser.end({ keep: true });
    await vault.server.kill();
    const url = vault.server.origin + vault.address(grown.folder);
    const ours = [];
    const theirs = [];
    for (let rep = 0; rep < reps; rep += 1) {
      ours.push(await visit(vault.browser.profile, url, OURS));
      if (peer) theirs.push(await visit(peerProfile, peer.url, THEIRS));
    }
    const cold = median(ours.map((one) => one.shown));
    const rows = [
      { figure: "offline, browser just started", value: round(cold), unit: "ms", goal: "≤ 400" },
      { figure: "offline, browser running", value: round(median(ours.map((one) => one.again))), unit: "ms" },
    ];
    if (peer) {
      const warm = median(theirs.map((one) => one.again));
      rows.push({ figure: "copyparty, 2,000 files, second visit", value: round(warm), unit: "ms" });
      rows.push({ figure: "ratio to it, browser running", value: round(median(ours.map((one) => one.again)) / warm, 2), goal: "≤ 0.6" });
    }
    return rows;
  } finally {
    peer?.end();
    await vault.browser.end().catch(() => {});
    await vault.server.end();
    await rm(disk, { recursive: true, force: true });
    await rm(peerProfile, { recursive: true, force: true });
  }
}
