// Many tabs of one browser: one dies with a lock, one is of an older build.

import assert from "node:assert/strict";
import { test } from "node:test";

import { world } from "./support/world.js";

test("five tabs edit, one is killed while it holds the lock for saving, and nothing is lost", async (t) => {
  const w = await world(t);
  const first = await w.firstDevice("laptop");
  await first.createsText("shared.txt", "start");
  await first.createsText("own.txt", "mine");
  await first.isOnServer();
  await first.edits("shared.txt");
  const address = new URL(first.page.url()).pathname;
  const others = [];
  for (let n = 0; n < 4; n += 1) {
    const tab = await first.newTab();
    await tab.opens(address);
    await tab.reads("start");
    others.push(tab);
  }
  const [dies, own, ...rest] = others;
  await own.leavesEditor();
  await own.edits("own.txt");
  await dies.types(" [from the tab that dies]");
  for (const tab of [first, ...rest]) await tab.reads("[from the tab that dies]");
  // As if it were killed in the middle of a transaction: nobody can save while it holds on.
  const vault = address.split("/")[2];
  await dies.page.evaluate((name) => {
    return new Promise((held) => {
      navigator.locks.request(name, () => {
        held();
        return new Promise(() => {});
      });
    });
  }, `commit:${vault}`);
  await first.types(" [one]");
  await rest[0].typesAtStart("[two] ");
  await own.types(" and more");
  await first.isTold(/Saving/);
  const crashed = dies.page.waitForEvent("crash");
  const session = await first.device.context.newCDPSession(dies.page);
  session.send("Page.crash").catch(() => {});
  await crashed;
  for (const tab of [first, ...rest]) {
    await tab.reads("[two]", "start", "[from the tab that dies]", "[one]");
    await tab.isOnServer();
  }
  await own.isOnServer();
  const phone = await w.nextDevice("phone");
  assert.equal(await phone.textOf("own.txt"), "mine and more");
  await phone.opens("/");
  await phone.edits("shared.txt");
  await phone.reads("[two]", "start", "[from the tab that dies]", "[one]");
});

test("a tab of an older build never holds up an upgrade, and goes on saving", async (t) => {
  const w = await world(t);
  const old = await w.firstDevice("laptop");
  await old.createsText("notes.txt", "kept");
  await old.isOnServer();
  await old.edits("notes.txt");
  // What a newer build does first, in another tab.
  const newer = await old.newTab();
  await newer.opens("/manifest.webmanifest");
  const upgraded = await newer.page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open("offing", 1_000);
        request.onblocked = () => reject(new Error("the older tab is in the way"));
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          const tables = [...request.result.objectStoreNames];
          request.result.close();
          resolve(tables);
        };
      }),
  );
  assert.ok(upgraded.includes("texts"), "it has all tables");
  await old.types(", typed");
  await old.reads("kept, typed");
  await old.isOnServer();
  // The older build is gone back to, too.
  await old.opens("/");
  assert.equal(await old.textOf("notes.txt"), "kept, typed");
});
