// A server whose disk was lost and replaced by an older backup.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { downloads, uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";

test("a restored server is given back what it lacks, and both devices go on with all of it", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("notes.md", "in the backup");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.sees("notes.md");
  await phone.isOnServer();
  for (const device of [laptop, phone]) {
    device.serverMayBeGone();
    device.expectsComplaint(/status of 40[19]|WebSocket/);
  }
  const backup = path.join(w.folder, "backup");
  await w.server.backsUpTo(backup);

  await laptop.createsText("later.md", "after the backup");
  const photo = noise(500_000);
  const folder = await w.disk({ "photo.jpg": photo });
  await uploads(phone, [path.join(folder, "photo.jpg")]);
  for (const device of [laptop, phone]) {
    await device.sees("later.md", "photo.jpg");
    await device.isOnServer();
  }

  await w.server.isRestoredFrom(backup);
  const banner = (device) => device.page.getByRole("status").filter({ hasText: "The server was restored from a backup" });
  for (const device of [laptop, phone]) await banner(device).waitFor();
  // Work goes on meanwhile, and waits.
  await laptop.createsFolder("Meanwhile");
  await laptop.statusReads("Saved here");

  await banner(phone).getByRole("button", { name: "Give back…" }).click();
  const dialog = phone.page.getByRole("dialog", { name: "The server was restored from a backup" });
  await dialog.getByText(/^It lacks \d+ changes that this device has/).waitFor();
  await dialog.getByRole("button", { name: "Give back what it lacks" }).click();
  await dialog.getByText("The server has everything that this device has").waitFor();
  await dialog.getByRole("button", { name: "Go on" }).click();
  await dialog.waitFor({ state: "detached" });

  for (const device of [laptop, phone]) {
    // Where the live socket was lost with the disk, the server is asked once a minute.
    await banner(device).waitFor({ state: "detached", timeout: 90_000 });
    await device.sees("notes.md", "later.md", "photo.jpg", "Meanwhile");
    await device.isOnServer();
  }
  // The server has all of it: somebody who was never here gets it.
  const tablet = await w.nextDevice("tablet");
  await tablet.sees("notes.md", "later.md", "photo.jpg", "Meanwhile");
  assert.ok((await downloads(tablet, "photo.jpg")).bytes.equals(photo));
  assert.equal(await tablet.textOf("later.md"), "after the backup");
});
