// A new version of the app: signed, told, taken over when the person agrees, given up when it does
// not start; nothing typed is lost.

import assert from "node:assert/strict";
import { test } from "node:test";

import { replaceable } from "./support/releases.js";

const ICON = "/icons/icon.svg";
const drawnAnew = (icon) => icon.replace("<svg", "<svg data-drawn='anew'");

const asks = (tab) => tab.page.evaluate(() => navigator.serviceWorker.controller.postMessage({ type: "check" }));
/** Asks, and waits for the answer. */
const hears = (tab) =>
  tab.page.evaluate(async () => {
    const heard = new Promise((resolve) => navigator.serviceWorker.addEventListener("message", resolve, { once: true }));
    navigator.serviceWorker.controller.postMessage({ type: "check" });
    await heard;
  });
const shows = (tab, version) =>
  tab.until(async (wanted) => {
    const state = await (await caches.match("/state")).json();
    return state.current.version === wanted;
  }, version);
const offer = (tab) => tab.page.getByRole("status").filter({ hasText: "new version" });
const warning = (tab, text) => tab.page.getByRole("alert").filter({ hasText: text });

async function takes(tab) {
  const loaded = tab.page.waitForEvent("load");
  await offer(tab).getByRole("button", { name: "Reload" }).click();
  await loaded;
}

test("a new version is offered, only what changed is fetched, and taking it loses nothing that was typed", async (t) => {
  const { w, release } = await replaceable(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isReadyForPreviewsOffline();
  await laptop.reloads();
  await laptop.createsText("draft.txt", "before ");
  await laptop.edits("draft.txt");
  assert.equal(await offer(laptop).count(), 0, "the first version is no update");
  await release.changes(ICON, drawnAnew);
  const later = await release.isSigned();
  // Whatever else the service worker asked for would fail it.
  await release.hasOnly(ICON);
  await asks(laptop);
  await offer(laptop).waitFor();
  await laptop.types("and a moment ago");
  await takes(laptop);
  await laptop.reads("before and a moment ago");
  await shows(laptop, later);
  assert.match(await laptop.page.evaluate(async (icon) => (await fetch(icon)).text(), ICON), /anew/);
  assert.equal(await offer(laptop).count(), 0);
  await laptop.isOnServer();
});

test("a tab that did not ask for the new version goes on and may reload when it likes", async (t) => {
  const { w, release } = await replaceable(t);
  const left = await w.firstDevice("laptop");
  await left.isReadyForOffline();
  await left.createsText("draft.txt", "text");
  const right = await left.newTab();
  await right.opens();
  await right.edits("draft.txt");
  await release.changes(ICON, drawnAnew);
  const later = await release.isSigned();
  await asks(left);
  await offer(right).waitFor();
  await takes(left);
  await shows(left, later);
  await right.types(" goes on");
  await right.reads("text goes on");
  const loaded = right.page.waitForEvent("load");
  await right.page.getByRole("status").getByRole("button", { name: "Reload" }).click();
  await loaded;
  await right.reads("text goes on");
  await right.isOnServer();
});

test("a new version is found at the next opening and works offline once it is taken", async (t) => {
  const { w, release } = await replaceable(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isReadyForOffline();
  await laptop.createsFolder("Kept");
  await laptop.isOnServer();
  await release.exchangesKey({ named: true });
  await release.changes(ICON, drawnAnew);
  // Another script of the service worker comes with it, which the browser installs by itself.
  await release.changes("/sw.js", (script) => `${script}// later`);
  const later = await release.isSigned();
  await laptop.reloads();
  await takes(laptop);
  await shows(laptop, later);
  await offer(laptop).waitFor({ state: "detached" });
  assert.equal(await warning(laptop, "nobody you know").count(), 0);
  laptop.serverMayBeGone();
  await w.server.kill();
  await laptop.reloads();
  await laptop.sees("Kept");
});

test("what is altered or signed by somebody else is told and not taken, unless the person wants it", async (t) => {
  const { w, release } = await replaceable(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isReadyForOffline();
  await laptop.createsFolder("Kept");
  await laptop.reloads();

  await release.changes(ICON, drawnAnew);
  await release.isSigned();
  await release.changes(ICON, (icon) => icon.replace("anew", "by another"));
  await asks(laptop);
  await warning(laptop, "tampered").waitFor();
  await release.changes("/release.json", (text) => text.replace(/"number\\":\d/, '"number\\":9'));
  await laptop.reloads();
  await warning(laptop, "tampered").waitFor();
  assert.equal(await offer(laptop).count(), 0);
  await laptop.sees("Kept");

  // A file that is exchanged while the browser asks for it may be missing for a moment.
  laptop.expectsComplaint(/status of 404 .*\/sw\.js/);
  await release.changes("/sw.js", (script) => `${script}// by nobody`);
  await laptop.reloads();
  await warning(laptop, "nobody you know").waitFor();

  await release.exchangesKey({ named: false });
  const foreign = await release.isSigned();
  await laptop.reloads();
  await warning(laptop, "somebody else").getByRole("button", { name: "What is this?" }).click();
  assert.equal(await offer(laptop).count(), 0);
  await laptop.page.getByRole("dialog").getByRole("button", { name: "Take it anyway" }).click();
  await takes(laptop);
  await shows(laptop, foreign);
  await laptop.sees("Kept");
});

test("a version that twice does not start is given up for the one before", async (t) => {
  const { w, release } = await replaceable(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isReadyForOffline();
  await laptop.createsFolder("Kept");
  await laptop.isOnServer();
  await laptop.reloads();
  laptop.expectsComplaint(/none\.wasm|Failed to fetch|ERR_FAILED|wasm/i);
  await release.changes("/index.html", (page) => page.replace(/data-page-wasm="[^"]*"/, 'data-page-wasm="/assets/none.wasm"'));
  await release.isSigned();
  await asks(laptop);
  await takes(laptop);
  const broken = laptop.page.getByRole("heading", { name: "Offing did not start" });
  await broken.waitFor();
  await laptop.page.reload();
  await laptop.page.getByRole("status").filter({ hasText: "back at the one before" }).waitFor();
  await laptop.sees("Kept");
  await laptop.reloads();
  assert.equal(await offer(laptop).count(), 0, "what did not start is offered no more");
});

test("a version that is for some devices first is offered to the one that is named", async (t) => {
  const { w, release } = await replaceable(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isReadyForPreviewsOffline();
  const next = await release.isCopied();
  await next.changes(ICON, drawnAnew);
  const later = await next.isSigned();
  await next.hasOnly(ICON);
  await w.server.offers(next.assets);
  await hears(laptop);
  assert.equal(await offer(laptop).count(), 0, "nobody is meant");
  await w.server.offers(next.assets, { devices: await w.server.devicesOf("alice") });
  await laptop.until(async () => (await (await fetch("/api/v1/release")).json()).next?.allow.length === 1);
  await laptop.reloads();
  await takes(laptop);
  await shows(laptop, later);
});

/** What the server tells devices of the next version; it looks every other second. */
const isTold = (tab, about) =>
  tab.until(async ([percent, version]) => {
    const { next } = await (await fetch("/api/v1/release", { cache: "no-store" })).json();
    return version === null ? !next : next?.version === version && next.percent === percent;
  }, about);

test("a version is offered to a share of the devices, and to none once too many of its starts failed", async (t) => {
  const { w, release } = await replaceable(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isReadyForOffline();
  await laptop.createsFolder("Kept");
  await laptop.isOnServer();
  const next = await release.isCopied();
  await next.changes("/index.html", (page) => page.replace(/data-page-wasm="[^"]*"/, 'data-page-wasm="/assets/none.wasm"'));
  const later = await next.isSigned();
  // Each device draws a number of a hundred, another one for each version.
  const drawn = await laptop.page.evaluate(async (version) => {
    const { lot } = await (await caches.match("/state")).json();
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${lot} ${version}`));
    return new DataView(digest).getUint32(0) % 100;
  }, later);
  await w.server.offers(next.assets, { percent: drawn });
  await isTold(laptop, [drawn, later]);
  await hears(laptop);
  assert.equal(await offer(laptop).count(), 0, "the share ends below what it drew");
  await w.server.offers(next.assets, { percent: drawn + 1 });
  await isTold(laptop, [drawn + 1, later]);
  await asks(laptop);
  laptop.expectsComplaint(/none\.wasm|Failed to fetch|ERR_FAILED|wasm/i);
  await takes(laptop);

  // Two others told before that it did not start; this one does not either, and goes back.
  for (const _ of ["one", "another"]) {
    await fetch(`${w.server.origin}/api/v1/release/starts`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ version: later, good: false }) });
  }
  await laptop.page.getByRole("heading", { name: "Offing did not start" }).waitFor();
  await laptop.page.reload();
  await laptop.page.getByRole("status").filter({ hasText: "back at the one before" }).waitFor();
  await laptop.sees("Kept");
  await isTold(laptop, [0, null]);
  assert.match(await w.server.rollout(), /3 of 3 starts failed/);

  const phone = await w.nextDevice("phone");
  await phone.isReadyForOffline();
  await hears(phone);
  assert.equal(await offer(phone).count(), 0, "nobody else is offered it");
});
