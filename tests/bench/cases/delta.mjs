// 256 MiB uploaded again over itself with 1 KiB inserted in the middle: what the server grows
// by, and how long it takes beside the first upload of the same run.

import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";

import { MIB, bigFile, folder, noise, round } from "../support/figures.mjs";
import { Vault } from "../support/vault.mjs";
import { digest, download, upload } from "./transfer.mjs";

export const title = "a large file uploaded again after a small change";

const BYTES = 256 * MIB;
const INSERTED = 1024;

/** The same file with something new in its middle, under the same name. */
async function changed(file, below) {
  const copy = path.join(below, path.basename(file));
  const middle = Math.floor(BYTES / 2);
  await pipeline(async function* () {
    yield* createReadStream(file, { end: middle - 1 });
    yield noise(INSERTED, 77);
    yield* createReadStream(file, { start: middle });
  }, createWriteStream(copy));
  return copy;
}

/** Says "Replace" as soon as the page asks what to do with the name that exists. */
async function agrees(page) {
  await page.run(() => {
    const look = () => {
      const button = [...document.querySelectorAll("dialog button")].find((one) => one.textContent.trim() === "Replace");
      if (button) button.click();
      else setTimeout(look, 5);
    };
    look();
  });
}

export async function run() {
  const disk = await folder("delta");
  const again = await folder("delta-again");
  const vault = await Vault.create();
  try {
    const file = await bigFile(disk, BYTES);
    const copy = await changed(file, again);
    await vault.synced();
    const empty = await vault.stored();
    const first = await upload(vault, "Upload files", [file]);
    const before = await vault.stored();
    await agrees(vault.page);
    const second = await upload(vault, "Upload files", [copy]);
    const sent = (await vault.stored()) - before;
    const got = await download(vault, path.basename(file), disk);
    if ((await digest(got.file)) !== (await digest(copy))) throw new Error("the download differs from what was uploaded again");
    return [
      { figure: "256 MiB up, the first time", value: round(first, 0), unit: "ms", note: `${before - empty} bytes stored` },
      { figure: "again, with 1 KiB inserted in its middle", value: round(second, 0), unit: "ms", note: `${round(second / first, 2)} of the first time` },
      { figure: "  bytes stored for it", value: sent, unit: "B", goal: `≤ ${round(BYTES / 100, 0)}`, note: `${round((100 * sent) / BYTES, 3)} %` },
    ];
  } finally {
    await vault.end();
    await rm(disk, { recursive: true, force: true });
    await rm(again, { recursive: true, force: true });
  }
}
