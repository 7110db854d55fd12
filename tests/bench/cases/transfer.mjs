// 256 MiB up and down, and 2,000 files of 4 to 64 KiB, through the page's own buttons,
// sealed, durable on the server when the clock stops. Contents are compared at the end.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";

import { MIB, bigFile, folder, median, round, smallFiles } from "../support/figures.mjs";
import { Vault } from "../support/vault.mjs";

export const title = "uploads and downloads through the browser";

async function digest(file) {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(file)) hash.update(bytes);
  return hash.digest("hex");
}

/** Uploads by a button; returns milliseconds until the pill says that it is on the server. */
async function upload(vault, button, files) {
  const { page } = vault;
  await page.run(() => {
    document.addEventListener("change", () => (globalThis.began = performance.now()), { capture: true, once: true });
    // A file input outside of the document fires its event on itself alone.
    const { click } = HTMLInputElement.prototype;
    HTMLInputElement.prototype.click = function () {
      this.addEventListener("change", () => (globalThis.began = performance.now()), { capture: true, once: true });
      return click.call(this);
    };
  });
  await page.picks(button, files);
  await page.run(() => new Promise((resolve) => {
    const look = () => (globalThis.began ? resolve() : setTimeout(look, 1));
    look();
  }));
  await page.pill("Syncing");
  const done = await page.pill("On server");
  return done - (await page.run(() => globalThis.began));
}

async function download(vault, name, into) {
  const { browser, page } = vault;
  await browser.send("Browser.setDownloadBehavior", { behavior: "allowAndName", downloadPath: into, eventsEnabled: true });
  const began = browser.event("Browser.downloadWillBegin");
  const ended = browser.event("Browser.downloadProgress", undefined, ({ state }) => state === "completed");
  const start = performance.now();
  await page.run((wanted) => {
    document.querySelector(`[role="row"][aria-label="${wanted}"]`).click();
    const button = [...document.querySelectorAll("button")].find((one) => (one.getAttribute("aria-label") ?? one.textContent).trim() === "Download");
    button.click();
  }, name);
  const { guid } = await began;
  await ended;
  return { ms: performance.now() - start, file: path.join(into, guid) };
}

/** How often the server waited for the disk, in words; calls that only renew a session count too. */
function waits(syncs) {
  return `${median(syncs.map(({ chunks }) => chunks))} chunk flushes, ${median(syncs.map(({ log }) => log))} commits`;
}

async function big(reps) {
  const disk = await folder("big");
  const file = await bigFile(disk, 256 * MIB);
  const up = [];
  const down = [];
  const syncs = [];
  try {
    for (let rep = 0; rep < reps; rep += 1) {
      const vault = await Vault.create();
      try {
        await vault.countsFlushes();
        up.push(await upload(vault, "Upload files", [file]));
        const got = await download(vault, "big.bin", disk);
        down.push(got.ms);
        if ((await digest(got.file)) !== (await digest(file))) throw new Error("the download differs");
        await rm(got.file);
        syncs.push(await vault.flushes());
      } finally {
        await vault.end();
      }
    }
  } finally {
    await rm(disk, { recursive: true, force: true });
  }
  const rate = (ms) => round(256 * 1.048576 / (ms / 1000));
  return [
    { figure: "256 MiB up, until durable on the server", value: round(median(up), 0), unit: "ms", note: `${rate(median(up))} MB/s, ${waits(syncs)}` },
    { figure: "256 MiB down, to a file", value: round(median(down), 0), unit: "ms", note: `${rate(median(down))} MB/s` },
  ];
}

async function small(reps) {
  const disk = await folder("small");
  const { root, bytes, count } = await smallFiles(disk);
  const times = [];
  const syncs = [];
  let stored = 0;
  try {
    for (let rep = 0; rep < reps; rep += 1) {
      const vault = await Vault.create();
      try {
        await vault.countsFlushes();
        const before = await vault.stored();
        times.push(await upload(vault, "Upload folder", [root]));
        stored = (await vault.stored()) - before;
        syncs.push(await vault.flushes());
      } finally {
        await vault.end();
      }
    }
    const ms = median(times);
    const listed = (await readdir(root)).length;
    return [
      { figure: `${listed} files, ${round(bytes / 1e6)} MB up`, value: round(ms, 0), unit: "ms", note: `${round(count / (ms / 1000), 0)} files/s, ${round(bytes / 1e3 / ms)} MB/s` },
      { figure: "times the server waited for the disk", value: median(syncs.map(({ chunks, log }) => chunks + log)), goal: "≤ 10", note: waits(syncs) },
      { figure: "bytes stored for them", value: stored, unit: "B" },
    ];
  } finally {
    await rm(disk, { recursive: true, force: true });
  }
}

export async function run({ reps }) {
  const few = Math.min(reps, 3);
  return [...(await small(few)), ...(await big(few))];
}

export { upload };
