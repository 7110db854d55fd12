// What cannot be: each with words that say why, and nothing lost.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { downloads, line, tray, uploads } from "./support/transfers.js";
import { PASSWORD, noise, world } from "./support/world.js";

const KIB = 1024;

test("a sign-up link that was used, and one that never was, say which they are", async (t) => {
  const w = await world(t);
  const link = await w.server.firstInvite();
  await (await w.device("laptop")).signsUp(link, "alice", PASSWORD);
  const other = await w.device("other");
  other.expectsComplaint(/status of 4\d\d/);
  await other.opens(link);
  await other.fillsSignUp("mallory", PASSWORD);
  await other.isTold(/link was used/);
  const [address, token] = link.split("#");
  await other.opens("about:blank");
  await other.opens(`${address}#${token.slice(0, -4)}${token.endsWith("AAAA") ? "BBBB" : "AAAA"}`);
  await other.fillsSignUp("mallory", PASSWORD);
  await other.isTold(/link is unknown/);
});

test("a file for which the server has no space fails by itself, and small work goes on", async (t) => {
  const w = await world(t, { env: { OFFING_QUOTA_BYTES: `${200 * KIB}` } });
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/status of 507/);
  await laptop.createsText("before.txt", "on the server");
  await laptop.isOnServer();
  const disk = await w.disk({ "photo.jpg": noise(600 * KIB, 5) });
  await uploads(laptop, [path.join(disk, "photo.jpg")]);
  await line(laptop, "photo.jpg").getByRole("button", { name: /retry/i }).waitFor();
  assert.match(await tray(laptop).innerText(), /space on the server is used up/);
  await laptop.createsText("after.txt", "it passes");
  await laptop.reloads();
  await laptop.sees("before.txt", "after.txt");
  await line(laptop, "photo.jpg").getByRole("button", { name: /retry/i }).waitFor();
  assert.ok(!(await laptop.pillHistory()).includes("On server"), "the pill claims nothing");
  const phone = await w.nextDevice("phone");
  await phone.sees("before.txt", "after.txt");
  assert.equal(await phone.textOf("after.txt"), "it passes");
});

test("a borrowed device works and keeps nothing", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("mine.txt", "private words");
  await laptop.isOnServer();
  const borrowed = await w.device("borrowed");
  await borrowed.signsIn("alice", PASSWORD, { borrowed: true });
  assert.equal(await borrowed.textOf("mine.txt"), "private words");
  await borrowed.createsText("from there.txt", "written elsewhere");
  await borrowed.isOnServer();
  await laptop.sees("from there.txt");
  // The app's own empty tables may be there; nothing may be in them, nor in its files.
  const left = await borrowed.page.evaluate(async () => {
    const asked = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const found = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await asked(indexedDB.open(name));
      for (const table of database.objectStoreNames) {
        const rows = await asked(database.transaction(table).objectStore(table).count());
        if (rows > 0) found.push(`${rows} in ${table}`);
      }
      database.close();
    }
    const look = async (folder, path) => {
      for await (const [name, entry] of folder.entries()) {
        if (entry.kind === "directory") await look(entry, `${path}${name}/`);
        else found.push(path + name);
      }
    };
    await look(await navigator.storage.getDirectory(), "/");
    return found;
  });
  assert.deepEqual(left, []);
  await borrowed.reloads();
  await borrowed.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  assert.equal(await laptop.textOf("from there.txt"), "written elsewhere");
});

/** Two devices replace one photo, neither knowing of the other. */
async function twoVersions(w) {
  const laptop = await w.firstDevice("laptop");
  const first = await w.disk({ "photo.jpg": noise(20 * KIB, 1) });
  await uploads(laptop, [path.join(first, "photo.jpg")]);
  await laptop.sees("photo.jpg");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.sees("photo.jpg");
  for (const [seed, device] of [laptop, phone].entries()) {
    await device.entersAirplaneMode();
    const disk = await w.disk({ "photo.jpg": noise((30 + seed) * KIB, seed + 2) });
    await uploads(device, [path.join(disk, "photo.jpg")]);
    await device.presses("Replace");
    await device.row("photo.jpg").filter({ hasText: `${30 + seed}` }).waitFor();
  }
  for (const device of [laptop, phone]) await device.leavesAirplaneMode();
  for (const device of [laptop, phone]) {
    await device.row("photo.jpg").filter({ hasText: "Two versions" }).waitFor();
    await device.isOnServer();
  }
  return [laptop, phone];
}

test("two versions are shown side by side, and one of them is kept", async (t) => {
  const w = await world(t);
  const [laptop, phone] = await twoVersions(w);
  await laptop.enters("photo.jpg");
  const dialog = laptop.page.getByRole("dialog", { name: "Two versions" });
  const sides = dialog.getByRole("region");
  await sides.nth(1).waitFor();
  assert.equal(await sides.count(), 2);
  await sides.filter({ hasText: /31\D/ }).getByRole("button", { name: "Keep only this one" }).click();
  await dialog.waitFor({ state: "hidden" });
  await phone.row("photo.jpg").filter({ hasText: "Two versions" }).waitFor({ state: "detached" });
  for (const device of [laptop, phone]) {
    await device.isOnServer();
    assert.ok((await downloads(device, "photo.jpg")).bytes.equals(noise(31 * KIB, 3)));
  }
});

test("two versions become two files, and Later leaves them as they are", async (t) => {
  const w = await world(t);
  const [laptop, phone] = await twoVersions(w);
  await phone.enters("photo.jpg");
  const dialog = phone.page.getByRole("dialog", { name: "Two versions" });
  await dialog.getByRole("button", { name: "Later" }).click();
  await phone.row("photo.jpg").filter({ hasText: "Two versions" }).waitFor();
  await phone.enters("photo.jpg");
  await dialog.getByRole("button", { name: "Keep both" }).click();
  await laptop.listsExactly("photo.jpg", "photo (2).jpg");
  const both = [];
  for (const name of ["photo.jpg", "photo (2).jpg"]) both.push((await downloads(laptop, name)).bytes.length);
  assert.deepEqual(both.sort(), [30 * KIB, 31 * KIB]);
});
