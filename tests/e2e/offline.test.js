// Offline for real: with the server killed, and in airplane mode, which fail differently.
//
// Everything that needs no remote bytes works, after a reload and behind a deep link too;
// when the network is back, all of it arrives on another device; and meanwhile the status
// pill claims nothing that is not so.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { downloads, uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";

const OUTAGES = {
  "the server killed": {
    begins: async (w, device) => {
      device.serverMayBeGone();
      await w.server.kill();
    },
    ends: (w) => w.server.restart(),
  },
  "the browser in airplane mode": {
    begins: (w, device) => device.entersAirplaneMode(),
    ends: (w, device) => device.leavesAirplaneMode(),
  },
};

/** A vault with something to read, rename, move and delete, all of it on the server. */
async function furnished(w) {
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Work");
  await laptop.createsText("today.md", "# Today");
  await laptop.createsText("old name.txt", "renamed offline");
  await laptop.createsText("to move.txt", "moved offline");
  await laptop.createsText("to delete.txt", "deleted offline");
  await laptop.isOnServer();
  await laptop.isReadyForOffline();
  return laptop;
}

for (const [name, outage] of Object.entries(OUTAGES)) {
  test(`with ${name}, everything goes on, and arrives later`, async (t) => {
    const w = await world(t);
    const laptop = await furnished(w);
    const disk = await w.disk({ "queued.bin": noise(300_000, 21) });
    await outage.begins(w, laptop);

    await laptop.reloads();
    await laptop.sees("Work", "today.md", "old name.txt", "to move.txt", "to delete.txt");
    await laptop.edits("today.md");
    await laptop.reads("# Today");
    await laptop.types(" and offline");
    const deepLink = new URL(laptop.page.url()).pathname;
    await laptop.leavesEditor();

    await laptop.createsFolder("Made offline");
    await laptop.createsText("new.txt", "born offline");
    await laptop.renames("old name.txt", "new name.txt");
    await laptop.moves("to move.txt", "Work");
    await laptop.deletes("to delete.txt");
    await uploads(laptop, [path.join(disk, "queued.bin")]);
    await laptop.sees("queued.bin");
    await laptop.statusReads(/Offline|Saved here/);

    await laptop.opens(deepLink);
    await laptop.reads("# Today and offline");
    await laptop.leavesEditor();
    const here = ["Made offline", "Work", "new name.txt", "new.txt", "queued.bin", "today.md"];
    await laptop.listsExactly(...here);
    assert.ok(!(await laptop.pillHistory()).some((text) => text.includes("On server")), "nothing was claimed to be on the server");
    await laptop.photographs(`offline, ${name}`);

    await outage.ends(w, laptop);
    await laptop.isOnServer();
    const phone = await w.nextDevice("phone");
    await phone.listsExactly(...here);
    assert.equal(await phone.textOf("today.md"), "# Today and offline");
    assert.equal(await phone.textOf("new.txt"), "born offline");
    assert.ok((await downloads(phone, "queued.bin")).bytes.equals(noise(300_000, 21)));
    await phone.entersFolder("Work");
    assert.equal(await phone.textOf("to move.txt"), "moved offline");
    await phone.opensTrash();
    await phone.sees("to delete.txt");
  });

  test(`with ${name}, a browser started anew opens a deep link`, async (t) => {
    const w = await world(t);
    const laptop = await furnished(w);
    await laptop.entersFolder("Work");
    await laptop.createsText("deep.md", "found again");
    await laptop.edits("deep.md");
    const address = new URL(laptop.page.url()).pathname;
    await laptop.isOnServer();
    await laptop.closesAllTabs();
    await outage.begins(w, laptop);
    await laptop.comesBack(address);
    await laptop.reads("found again");
    await laptop.statusReads("Offline");
  });
}

test("what is not on this device says so while offline, and opens when the server is back", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const film = noise(9 * 1024 * 1024, 22);
  const disk = await w.disk({ "film.mkv": film });
  await uploads(laptop, [path.join(disk, "film.mkv")]);
  await laptop.sees("film.mkv");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.sees("film.mkv");
  await phone.isReadyForOffline();
  for (const device of [laptop, phone]) device.serverMayBeGone();
  await w.server.kill();
  await phone.selects("film.mkv");
  await phone.presses("Download");
  await phone.isTold(/film\.mkv/);
  await w.server.restart();
  await phone.isOnServer();
  assert.ok((await downloads(phone, "film.mkv")).bytes.equals(film));
});

test("a folder of which not all is here says what its ZIP would lack, and gives the rest", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Trip");
  await laptop.entersFolder("Trip");
  const disk = await w.disk({ "film.mkv": noise(900_000, 23), "route.md": "along the coast" });
  await uploads(laptop, [path.join(disk, "film.mkv"), path.join(disk, "route.md")]);
  await laptop.sees("film.mkv", "route.md");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.entersFolder("Trip");
  assert.equal(await phone.textOf("route.md"), "along the coast");
  await phone.isReadyForOffline();
  await phone.opens("/");
  await phone.sees("Trip");
  await phone.entersAirplaneMode();
  await phone.selects("Trip");
  await phone.presses("Download");
  const dialog = phone.page.getByRole("dialog", { name: "Not everything is here" });
  await dialog.getByText("Trip/film.mkv").waitFor();
  const begun = phone.page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Download the others" }).click();
  const zip = await readFile(await (await begun).path());
  assert.ok(zip.includes("Trip/route.md") && zip.includes("along the coast"));
  assert.ok(!zip.includes("film.mkv"), "nothing half-written is in it");
});

test("both devices change the tree offline, and both end with the same tree", async (t) => {
  const w = await world(t);
  const laptop = await furnished(w);
  const phone = await w.nextDevice("phone");
  await phone.sees("Work", "today.md");
  await laptop.entersAirplaneMode();
  await phone.entersAirplaneMode();
  await laptop.renames("today.md", "laptop's day.md");
  await laptop.deletes("to delete.txt");
  await laptop.createsFolder("From laptop");
  await phone.moves("today.md", "Work");
  await phone.createsFolder("From phone");
  await laptop.leavesAirplaneMode();
  await laptop.isOnServer();
  await phone.leavesAirplaneMode();
  for (const device of [laptop, phone]) {
    await device.sees("From laptop", "From phone");
    await device.doesNotSee("today.md", "to delete.txt", "laptop's day.md");
    await device.entersFolder("Work");
    await device.sees("laptop's day.md");
    await device.isOnServer();
  }
});

test("an edit to a text that another device deletes meanwhile is not lost", async (t) => {
  const w = await world(t);
  const laptop = await furnished(w);
  const phone = await w.nextDevice("phone");
  await phone.sees("today.md");
  await phone.textOf("today.md");
  await phone.entersAirplaneMode();
  await phone.edits("today.md");
  await phone.types(" – precious");
  await phone.leavesEditor();
  await laptop.deletes("today.md");
  await laptop.isOnServer();
  await phone.leavesAirplaneMode();
  await phone.isOnServer();
  for (const device of [phone, laptop]) {
    await device.sees("today.md");
    assert.equal(await device.textOf("today.md"), "# Today – precious");
  }
});
