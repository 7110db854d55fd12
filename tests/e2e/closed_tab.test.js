// With every tab closed the service worker, which has no key, empties the outbox.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { downloads, uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";

test("what was made offline reaches the server after the tab was closed", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isOnServer();
  await laptop.isReadyForOffline();
  const phone = await w.nextDevice("phone");
  for (const device of [laptop, phone]) device.serverMayBeGone();
  await w.server.kill();
  const disk = await w.disk({ "scan.pdf": noise(2_500_000, 31) });
  await laptop.createsText("left behind.txt", "sealed, sent later");
  await uploads(laptop, [path.join(disk, "scan.pdf")]);
  await laptop.sees("scan.pdf");
  await laptop.statusReads(/Offline|Saved here/);
  await laptop.closesAllTabs();

  await w.server.restart();
  await laptop.networkReturnsInBackground();

  await phone.sees("left behind.txt", "scan.pdf");
  assert.equal(await phone.textOf("left behind.txt"), "sealed, sent later");
  assert.ok((await downloads(phone, "scan.pdf")).bytes.equals(noise(2_500_000, 31)));
  await laptop.comesBack("/");
  await laptop.sees("left behind.txt", "scan.pdf");
  await laptop.isOnServer();
});

test("a service worker that was stopped still answers with no server", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Here");
  await laptop.isOnServer();
  await laptop.isReadyForOffline();
  laptop.serverMayBeGone();
  await w.server.kill();
  await laptop.losesServiceWorker();
  await laptop.reloads();
  await laptop.sees("Here");
});
