// 256 MiB up and down, and 2,000 files of 4 to 64 KiB up and down (as a ZIP), through the
// page's own buttons, sealed, durable on the server when the clock stops; beside copyparty
// in the same run. What comes down is compared with what went up.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, readdir, rm } from "node:fs/promises";
import path from "node:path";

import { Chromium } from "../support/chromium.mjs";
import { copyparty, uploadToPeer } from "../support/copyparty.mjs";
import { MIB, bigFile, folder, median, round, smallFiles } from "../support/figures.mjs";
import { Vault } from "../support/vault.mjs";
import { unzipped } from "../support/zip.mjs";

export const title = "uploads and downloads through the browser";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function digest(file) {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(file)) hash.update(bytes);
  return hash.digest("hex");
}

/** Uploads by a button; returns milliseconds until the pill says that it is on the server. */
async function upload(vault, button, files) {
  const { page } = vault;
  await page.run(() => {
    delete globalThis.began;
    document.addEventListener("change", () => (globalThis.began = performance.now()), { capture: true, once: true });
    // A file input outside of the document fires its event on itself alone.
    const { click } = HTMLInputElement.prototype;
    HTMLInputElement.prototype.click = function () {
      this.addEventListener("change", () => (globalThis.began = performance.now()), { capture: true, once: true });
      return click.call(this);
    };
  });
  await page.watchesPill();
  await page.picks(button, files);
  const done = await page.settled("On server");
  return done - (await page.run(() => globalThis.began));
}

/** Does what starts a download; returns the file and the milliseconds until it was whole. */
async function downloaded(browser, into, start) {
  await browser.send("Browser.setDownloadBehavior", { behavior: "allowAndName", downloadPath: into, eventsEnabled: true });
  const began = browser.event("Browser.downloadWillBegin");
  const ended = browser.event("Browser.downloadProgress", undefined, ({ state }) => state !== "inProgress");
  const begin = performance.now();
  await start();
  const { guid } = await began;
  const { state } = await ended;
  if (state !== "completed") throw new Error(`the download ended: ${state}`);
  return { ms: performance.now() - begin, file: path.join(into, guid) };
}

/** Downloads a row of the list by the page's button. */
function download({ browser, page }, name, into) {
  return downloaded(browser, into, () => page.run(async (wanted) => {
    const until = async (find) => {
      const deadline = performance.now() + 30_000;
      for (;;) {
        const found = find();
        if (found) return found;
        if (performance.now() > deadline) throw new Error(`nothing to download ${wanted} by`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    (await until(() => document.querySelector(`[role="row"][aria-label="${wanted}"]`))).click();
    const named = (one) => (one.getAttribute("aria-label") ?? one.textContent).trim() === "Download" && !one.disabled;
    (await until(() => [...document.querySelectorAll("button")].find(named))).click();
  }, name));
}

/** The same files through copyparty's page, up and down; `null` where it cannot be installed. */
async function peerRun(files, address, into, same) {
  const served = await folder("peer-served");
  const peer = await copyparty(served, "A");
  if (!peer) return null;
  const browser = await Chromium.start();
  try {
    const page = await browser.page();
    const up = await uploadToPeer(page, peer, files);
    const got = await downloaded(browser, into, () => page.send("Page.navigate", { url: peer.url + address }));
    await same(got.file);
    return { up, down: got.ms };
  } finally {
    await browser.end();
    peer.end();
    await rm(served, { recursive: true, force: true });
  }
}

/** How often the server waited for the disk, in words; calls that only renew a session count too. */
function waits(syncs) {
  return `${median(syncs.map(({ chunks }) => chunks))} chunk flushes, ${median(syncs.map(({ log }) => log))} commits`;
}

/** Runs both sides in turn; `same` throws if a downloaded file is not what was uploaded. */
async function sides(reps, { button, chosen, name, peerFiles, peerAddress, disk, same }) {
  const found = { up: [], down: [], syncs: [], stored: 0, theirs: [] };
  for (let rep = 0; rep < reps; rep += 1) {
    const vault = await Vault.create();
    try {
      await vault.countsFlushes();
      const before = await vault.stored();
      found.up.push(await upload(vault, button, [chosen]));
      found.stored = (await vault.stored()) - before;
      const got = await download(vault, name, disk);
      found.down.push(got.ms);
      await same(got.file);
      await rm(got.file);
      found.syncs.push(await vault.flushes());
    } finally {
      await vault.end();
    }
    const theirs = await peerRun(peerFiles, peerAddress, disk, same);
    if (theirs) found.theirs.push(theirs);
  }
  return found;
}

function beside(found, bytes, count) {
  if (found.theirs.length === 0) return [{ figure: "copyparty", value: "–", note: "cannot be installed here" }];
  const row = (way) => {
    const theirs = median(found.theirs.map((one) => one[way]));
    const rate = count ? `${round(count / (theirs / 1000), 0)} files/s` : `${round(bytes / 1e3 / theirs)} MB/s`;
    return { figure: `  copyparty, ${way} (neither sealed nor flushed)`, value: round(theirs, 0), unit: "ms", note: `${rate}; ours takes ${round(median(found[way]) / theirs, 2)} of it` };
  };
  return [row("up"), row("down")];
}

async function big(reps) {
  const disk = await folder("big");
  const bytes = 256 * MIB;
  const file = await bigFile(disk, bytes);
  const wanted = await digest(file);
  const same = async (got) => {
    if ((await digest(got)) !== wanted) throw new Error("the download of 256 MiB differs");
  };
  const found = await sides(reps, { button: "Upload files", chosen: file, name: "big.bin", peerFiles: [file], peerAddress: "big.bin?dl", disk, same });
  await rm(disk, { recursive: true, force: true });
  const rate = (ms) => `${round(bytes / 1e3 / ms)} MB/s`;
  return [
    { figure: "256 MiB up, until durable on the server", value: round(median(found.up), 0), unit: "ms", note: `${rate(median(found.up))}, ${waits(found.syncs)}` },
    { figure: "256 MiB down, to a file", value: round(median(found.down), 0), unit: "ms", note: rate(median(found.down)) },
    ...beside(found, bytes),
  ];
}

async function small(reps) {
  const disk = await folder("small");
  const { root, bytes, count } = await smallFiles(disk);
  const names = await readdir(root);
  const wanted = new Map(await Promise.all(names.map(async (name) => [name, sha256(await readFile(path.join(root, name)))])));
  const same = async (got) => {
    let files = 0;
    for (const one of unzipped(await readFile(got))) {
      files += 1;
      if (wanted.get(path.basename(one.name)) !== sha256(one.bytes)) throw new Error(`the download of ${one.name} differs`);
    }
    if (files !== names.length) throw new Error(`the download has ${files} files of ${names.length}`);
  };
  const peerFiles = names.map((name) => path.join(root, name));
  const found = await sides(reps, { button: "Upload folder", chosen: root, name: path.basename(root), peerFiles, peerAddress: "?zip", disk, same });
  await rm(disk, { recursive: true, force: true });
  const rate = (ms) => `${round(count / (ms / 1000), 0)} files/s, ${round(bytes / 1e3 / ms)} MB/s`;
  return [
    { figure: `${names.length} files, ${round(bytes / 1e6)} MB up, until durable`, value: round(median(found.up), 0), unit: "ms", note: rate(median(found.up)) },
    { figure: "  times the server waited for the disk", value: median(found.syncs.map(({ chunks, log }) => chunks + log)), goal: "≤ 10", note: waits(found.syncs) },
    { figure: "  bytes stored for them", value: found.stored, unit: "B" },
    { figure: `${names.length} files down, as a ZIP`, value: round(median(found.down), 0), unit: "ms", note: rate(median(found.down)) },
    ...beside(found, bytes, count),
  ];
}

export async function run({ reps }) {
  const few = Math.min(reps, 3);
  return [...(await small(few)), ...(await big(few))];
}

export { digest, download, upload };
