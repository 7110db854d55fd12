// A new version of the app: told, taken over when the person agrees, nothing typed is lost.

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import { assetsFolder } from "./support/server.js";
import { world } from "./support/world.js";

/** A server whose client can be replaced by a later version while it runs. */
async function replaceable(t) {
  const assets = await mkdtemp(path.join(tmpdir(), "offing-assets-"));
  t.after(() => rm(assets, { recursive: true, force: true }));
  await cp(assetsFolder(), assets, { recursive: true });
  const w = await world(t, { env: { OFFING_ASSETS: assets } });
  const releases = async () => {
    const list = path.join(assets, "precache.js");
    const text = await readFile(list, "utf8");
    const [, version] = text.match(/"?version"?:\s*"([^"]+)"/);
    await writeFile(list, text.replaceAll(version, `later-${version}`));
    await rm(`${list}.br`, { force: true });
    return `offing-later-${version}`;
  };
  return { w, releases };
}

const asks = (tab) => tab.page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update().then(() => {}));
const caches = (tab) => tab.page.evaluate(async () => globalThis.caches.keys());
const offer = (tab) => tab.page.getByRole("status").filter({ hasText: "new version" });

test("a new version is offered, and taking it loses nothing that was typed", async (t) => {
  const { w, releases } = await replaceable(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isReadyForOffline();
  await laptop.createsText("draft.txt", "before ");
  await laptop.edits("draft.txt");
  assert.equal(await offer(laptop).count(), 0, "the first version is no update");
  const later = await releases();
  await asks(laptop);
  await offer(laptop).waitFor();
  await laptop.types("and a moment ago");
  const loaded = laptop.page.waitForEvent("load");
  await offer(laptop).getByRole("button", { name: "Reload" }).click();
  await loaded;
  await laptop.reads("before and a moment ago");
  assert.deepEqual(await caches(laptop), [later]);
  assert.equal(await offer(laptop).count(), 0);
  await laptop.isOnServer();
});

test("a tab that did not ask for the new version goes on and may reload when it likes", async (t) => {
  const { w, releases } = await replaceable(t);
  const left = await w.firstDevice("laptop");
  await left.isReadyForOffline();
  await left.createsText("draft.txt", "text");
  const right = await left.newTab();
  await right.opens();
  await right.edits("draft.txt");
  const later = await releases();
  await asks(left);
  await offer(right).waitFor();
  await offer(left).getByRole("button", { name: "Reload" }).click();
  await left.page.waitForFunction((name) => globalThis.caches.keys().then((keys) => keys.length === 1 && keys[0] === name), later);
  await right.types(" goes on");
  await right.reads("text goes on");
  const loaded = right.page.waitForEvent("load");
  await offer(right).getByRole("button", { name: "Reload" }).click();
  await loaded;
  await right.reads("text goes on");
  await right.isOnServer();
});

test("a new version is found at the next opening and works offline once it is taken", async (t) => {
  const { w, releases } = await replaceable(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isReadyForOffline();
  await laptop.createsFolder("Kept");
  await laptop.isOnServer();
  await releases();
  await laptop.reloads();
  await offer(laptop).getByRole("button", { name: "Reload" }).click();
  await laptop.page.waitForFunction(() => globalThis.caches.keys().then((keys) => keys.length === 1 && keys[0].includes("later")));
  await offer(laptop).waitFor({ state: "detached" });
  laptop.serverMayBeGone();
  await w.server.kill();
  await laptop.reloads();
  await laptop.sees("Kept");
});
