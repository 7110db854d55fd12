// The real browser killed at random moments of editing and uploading, again and again, on one
// profile: whatever the pill had called saved is there when the app is opened again.
//
// In each life a folder is filled with folders, texts and files. What is listed counts from the
// moment at which the pill says saved; what is typed, once the pill has said something else since
// and then says saved. At the end another device has all of it. `OFFING_BROWSER_KILLS` says how often
// (`cargo xtask faults --browser-kills 50`); what is random follows from `OFFING_SEED`.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { Claims, finds, isSaved } from "./support/claims.js";
import { uploads } from "./support/transfers.js";
import { PASSWORD, noise, world } from "./support/world.js";

const KILLS = Number(process.env.OFFING_BROWSER_KILLS ?? 4);
const SEED = Number(process.env.OFFING_SEED ?? Date.now() % 1_000_000);
/** How long a browser lives, in milliseconds after its folder is there. */
const LIFE_MS = [200, 8_000];
const FILE_BYTES_MAX = 1_500_000;

/** Numbers that look random and follow from the seed. */
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes things without end, and claims what is shown as saved. */
async function works(device, claims, roll, disk) {
  for (let turn = 1; ; turn++) {
    const folder = `folder ${turn}`;
    await device.createsFolder(folder);
    await isSaved(device);
    claims.folders.push(folder);

    const note = `note ${turn}.md`;
    await device.createsText(note);
    await isSaved(device);
    claims.texts.set(note, []);
    await device.edits(note);
    for (let line = 1; line <= 3; line++) {
      const words = `line ${line} of ${note}\n`;
      const before = (await device.pillHistory()).length;
      await device.types(words);
      await isSaved(device, before);
      claims.texts.get(note).push(words.trim());
    }
    await device.leavesEditor();

    const file = `file ${turn}.bin`;
    const made = { bytes: 1 + Math.floor(roll() * FILE_BYTES_MAX), seed: 1 + Math.floor(roll() * 1_000) };
    const root = await disk({ [file]: noise(made.bytes, made.seed) });
    await uploads(device, [path.join(root, file)]);
    await device.sees(file);
    await isSaved(device);
    claims.files.set(file, made);
  }
}

/** Waits until all is on the server, giving the password again if the browser lost its session: it
 * writes its cookies to the disk half a minute late. */
async function isOnServerAgain(device) {
  await device.opens("/");
  const onServer = device.pill.filter({ hasText: "On server" });
  await device.endedSession.or(onServer).first().waitFor();
  if (await device.endedSession.count()) {
    await device.signsInAgain(PASSWORD);
    await device.opens("/");
  }
  await device.isOnServer();
}

test(`a browser killed ${KILLS} times has everything it called saved`, { timeout: Infinity }, async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  // What is under way when it is killed fails, and says so.
  laptop.serverMayBeGone();
  laptop.expectsComplaint(/./);
  await laptop.isOnServer();
  await laptop.isReadyForOffline();
  const roll = dice(SEED);
  t.diagnostic(`seed ${SEED}`);
  const lives = [];
  for (let life = 1; life <= KILLS; life++) {
    const folder = `Life ${life}`;
    await laptop.createsFolder(folder);
    await isSaved(laptop);
    await laptop.entersFolder(folder);
    const claims = new Claims(folder, new URL(laptop.page.url()).pathname);
    // It ends by the kill alone; another end is told below.
    const ended = works(laptop, claims, roll, (files) => w.disk(files)).catch((error) => error);
    const [least, most] = LIFE_MS;
    const moment = new Promise((resolve) => setTimeout(resolve, least + roll() * (most - least), null));
    const early = await Promise.race([ended, moment]);
    assert.equal(early, null, `the work ended before the kill: ${early?.stack}`);
    await laptop.isKilled();
    await ended;
    lives.push(claims);
    await laptop.startsAgain();
    await finds(laptop, claims, { contents: false });
    await isOnServerAgain(laptop);
  }
  const phone = await w.nextDevice("phone");
  for (const claims of lives) await finds(phone, claims, { contents: true });
  const count = lives.reduce((sum, claims) => sum + claims.count, 0);
  assert.ok(count > 0, "something was saved");
  t.diagnostic(`${KILLS} kills; ${count} folders, lines and files had been shown as saved, none is missing`);
});
