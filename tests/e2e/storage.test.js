// The browser's storage fails at one call after the other, each in turn, of a short story: what the
// pill had called saved is there when the app is opened again, within seconds, and work goes on.
//
// A first telling counts the calls of the engine to IndexedDB and the private file system; each of the
// next has one of them fail, or all from there on. `OFFING_STORAGE_FAULTS` says how many are tried,
// spread over all (`cargo xtask faults --storage` tries every one); `OFFING_STORAGE_FAULT` is one of
// them alone, as a failure names it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { Claims, finds, isSaved } from "./support/claims.js";
import { KINDS, storageIsFull, storageMayFail, storageReport } from "./support/storage.js";
import { uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";
import { unzip } from "./support/zip.js";

const { OFFING_STORAGE_FAULTS: asked = "24" } = process.env;
const FAULTS = asked === "all" ? Infinity : Number(asked);
const ONE = process.env.OFFING_STORAGE_FAULT && JSON.parse(process.env.OFFING_STORAGE_FAULT);
/** In how many browsers at once they are tried: most of the time goes by in waiting. */
const BROWSERS = FAULTS === Infinity ? 4 : 2;
/** How long a step may take before it is given up, where storage may have failed. */
const STEP_MS = 4_000;
/** How soon storage that goes on failing is told: opening waits ten seconds for another tab. */
const TOLD_MS = 20_000;
/** How soon the app must be back, with everything that was called saved; looked at where all calls
 * are tried, and told only where the machine may be busy with anything. */
const RECOVERY_MS = FAULTS === Infinity ? 3_000 : Infinity;
const KIB = 1024;

/** Opens the app, makes and changes one thing of each kind, and claims what is shown as saved. */
async function story(device, claims, disk) {
  await device.opens(claims.address);
  await device.crumb(claims.folder).waitFor();
  await device.createsFolder("folder");
  await isSaved(device);
  claims.folders.push("folder");
  await device.createsText("note.md");
  await isSaved(device);
  claims.texts.set("note.md", []);
  await device.edits("note.md");
  const before = (await device.pillHistory()).length;
  await device.types("a line\n");
  await isSaved(device, before);
  claims.texts.get("note.md").push("a line");
  await device.leavesEditor();
  for (const [file, bytes] of [["small.bin", 3 * KIB], ["large.bin", 400 * KIB]]) {
    await uploads(device, [path.join(disk, file)]);
    await device.sees(file);
    await isSaved(device);
    claims.files.set(file, { bytes, seed: bytes });
  }
  // Where the answer is lost, nobody knows which name it has.
  claims.folders = [];
  claims.either = ["folder", "renamed"];
  await device.renames("folder", "renamed");
  await isSaved(device);
  claims.either = [];
  claims.folders = ["renamed"];
  await device.isOnServer();
}

/** The faults to try, in a story that makes these calls: spread over all of them, and every third
 * over those to files, which are few. */
function faults(calls) {
  if (ONE) return [ONE];
  const count = Math.min(FAULTS, calls.length);
  const all = calls.map((_, place) => place + 1);
  const files = all.filter((at) => !calls[at - 1].startsWith("IDB"));
  return Array.from({ length: count }, (_, n) => {
    const [kind, lasts] = [KINDS[n % KINDS.length], Math.floor(n / KINDS.length) % 2 === 1];
    const among = count < all.length && n % 3 === 2 ? files : all;
    return { at: among[Math.floor((n * among.length) / count)], kind, lasts };
  });
}

/** Storage that goes on failing is told, at the latest when somebody looks at the page again. */
async function isTold(device) {
  await device.page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await device.page.getByRole("alert").filter({ hasText: "storage" }).first().waitFor({ timeout: TOLD_MS });
}

/** One telling of it, with a fault; says what became of it. */
async function tells(w, device, number, fault, disk) {
  const name = `Telling ${number}`;
  device.storageFault = { at: 0 };
  await device.opens("/");
  // A list draws the rows that are in sight alone: tellings lie in folders of fifty.
  const fifty = `From ${number - (number % 50)}`;
  if (number % 50 === 0) await device.createsFolder(fifty);
  await device.entersFolder(fifty);
  await device.createsFolder(name);
  await device.entersFolder(name);
  await device.isOnServer();
  const claims = new Claims(name, new URL(device.page.url()).pathname);
  device.storageFault = fault;
  device.page.setDefaultTimeout(fault.at ? STEP_MS : 30_000);
  const failed = await story(device, claims, disk).then(() => null, (error) => error);
  if (!fault.at && failed) throw failed;
  const report = await storageReport(device).catch(() => ({ calls: [], struck: null }));
  if (fault.lasts && report.struck) await isTold(device);
  const alerts = (await device.page.getByRole("alert").allInnerTexts()).filter((text) => text.trim());
  device.page.setDefaultTimeout(30_000);
  device.storageFault = { at: 0 };
  const start = Date.now();
  await device.opens(claims.address);
  await device.crumb(name).waitFor();
  await device.sees(...claims.names);
  const [one, other] = claims.either ?? [];
  if (one) await device.row(one).or(device.row(other)).waitFor();
  const recoveredMs = Date.now() - start;
  await finds(device, claims, { contents: true });
  await device.createsFolder("still works");
  await device.isOnServer();
  return { claims, report, recoveredMs, failed, alerts };
}

/** Tries every so many-th of the faults, beginning with the `part`-th, in a browser of its own. */
async function tellsPart(w, part) {
  const laptop = await w.firstDevice(`laptop ${part}`);
  // What a fault breaks off says so.
  laptop.expectsComplaint(/./);
  await laptop.isOnServer();
  await laptop.isReadyForOffline();
  await storageMayFail(laptop);
  const files = { "small.bin": noise(3 * KIB, 3 * KIB), "large.bin": noise(400 * KIB, 400 * KIB) };
  const disk = await w.disk(files);
  const whole = await tells(w, laptop, 0, { at: 0 }, disk);
  const { calls } = whole.report;
  assert.ok(calls.length > 50, `the story makes ${calls.length} calls`);
  const told = [whole];
  for (const [n, fault] of faults(calls).filter((_, n) => n % BROWSERS === part).entries()) {
    const telling = await tells(w, laptop, n + 1, fault, disk).catch((cause) => {
      throw new Error(`${JSON.stringify(fault)}: ${cause.message}`, { cause });
    });
    told.push({ ...telling, fault });
    if (process.env.OFFING_E2E_TRACE) {
      const { report, claims, recoveredMs, failed } = telling;
      console.log(JSON.stringify(fault), report.struck, `claims ${claims.count}, back in ${recoveredMs} ms`, failed?.message.split("\n")[0] ?? "whole", telling.alerts);
    }
  }
  return { calls: calls.length, told };
}

/** Looks for all of it on another device. */
async function looks(w, told) {
  const phone = await w.nextDevice("phone");
  for (const [n, { claims }] of told.entries()) {
    if (n % 50 === 0) await phone.movesToNewTab();
    await finds(phone, claims, { contents: false });
  }
}

test("storage that fails at any of its calls loses nothing that was called saved", { timeout: Infinity }, async (t) => {
  const worlds = await Promise.all(Array.from({ length: BROWSERS }, () => world(t)));
  const parts = await Promise.all(worlds.map((w, part) => tellsPart(w, part)));
  // Not before the last is told: joining a large vault takes the machine from who is timed.
  await Promise.all(worlds.map((w, part) => looks(w, parts[part].told)));
  const told = parts.flatMap((part) => part.told);
  const struck = told.filter(({ report }) => report.struck).length;
  const claimed = told.reduce((sum, { claims }) => sum + claims.count, 0);
  const longest = Math.max(...told.map(({ recoveredMs }) => recoveredMs));
  t.diagnostic(`${parts.map(({ calls }) => calls).join(", ")} calls in the whole story, told by each browser`);
  t.diagnostic(`${struck} faults struck; ${claimed} things were called saved, none is missing; back in at most ${longest} ms`);
  const slow = told
    .filter(({ recoveredMs }) => recoveredMs > RECOVERY_MS)
    .map(({ fault, recoveredMs }) => `${JSON.stringify(fault)} ${recoveredMs} ms`);
  assert.deepEqual(slow, [], `the app is back within ${RECOVERY_MS} ms`);
});

test("what is not on the server can be taken away while the browser stores nothing more", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/./);
  await laptop.createsText("sent.md", "on the server");
  await laptop.isOnServer();
  await laptop.isReadyForOffline();
  await laptop.entersAirplaneMode();
  await uploads(laptop, [path.join(await w.disk({ "photo.jpg": noise(5 * KIB) }), "photo.jpg")]);
  await laptop.sees("photo.jpg");
  await laptop.createsText("note.md");
  await laptop.edits("note.md");
  await storageIsFull(laptop);
  await laptop.types("only in memory");
  const message = laptop.page.getByRole("alert").filter({ hasText: "storage is failing" });
  await message.waitFor();
  const [saved] = await Promise.all([
    laptop.page.waitForEvent("download"),
    message.getByRole("button", { name: "Download" }).click(),
  ]);
  const members = unzip(await readFile(await saved.path()));
  assert.deepEqual([...members.keys()].sort(), ["note.md", "photo.jpg"]);
  assert.equal(members.get("note.md").toString(), "only in memory");
  assert.ok(members.get("photo.jpg").equals(noise(5 * KIB)));
});
