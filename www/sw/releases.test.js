import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { beforeEach, test } from "node:test";

import { FORMAT, PROTOCOL, RELEASE_LABEL } from "./trust.js";

// ---------------------------------------------------------------- a browser and a server of maps

const server = { files: new Map(), asked: [], next: null, refuses: null, starts: [] };
const browser = { caches: new Map(), windows: [], heard: [] };

class Cache {
  #held = new Map();
  async match(url) {
    return this.#held.get(url)?.clone();
  }
  async put(url, response) {
    this.#held.set(url, new Response(await response.arrayBuffer(), { headers: response.headers }));
  }
}

globalThis.caches = {
  open: async (name) => browser.caches.get(name) ?? browser.caches.set(name, new Cache()).get(name),
  keys: async () => [...browser.caches.keys()],
  delete: async (name) => browser.caches.delete(name),
};
globalThis.self = { clients: { matchAll: async () => browser.windows } };
globalThis.Request = class {
  constructor(url, options) {
    Object.assign(this, options, { url });
  }
};
globalThis.fetch = async (request, options) => {
  const url = request.url ?? request;
  if (url === "/api/v1/release" && server.refuses) return new Response("", { status: server.refuses });
  if (url === "/api/v1/release") return Response.json({ next: server.next });
  if (url === "/api/v1/release/starts") return void server.starts.push(JSON.parse(options.body)) ?? new Response(null, { status: 204 });
  server.asked.push(url);
  const body = server.files.get(url);
  return body === undefined ? new Response("", { status: 404 }) : new Response(body, { headers: { link: "</x>; rel=stylesheet", "content-type": "text/html" } });
};

const hash = (text) => createHash("sha256").update(text).digest("hex");

function signer() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { key: publicKey.export({ format: "jwk" }).x, signs: (text) => sign(null, Buffer.from(text), privateKey).toString("base64url") };
}

/** Puts a build on the server: what its files are, by their addresses. */
function serves(by, number, texts, { at = "", lazy = {} } = {}) {
  const named = (files) => Object.fromEntries(Object.entries(files).map(([url, text]) => [url, hash(text)]));
  const version = hash(JSON.stringify([texts, number])).slice(0, 16);
  const groups = { files: named(texts), idle: {}, lazy: named(lazy) };
  const release = JSON.stringify({ format: FORMAT, number, version, needs: PROTOCOL, worker: hash("script"), ...groups });
  const whole = { release, key: by.key, signature: by.signs(RELEASE_LABEL + release), rotations: [] };
  server.files.set(`${at}/release.json`, JSON.stringify(whole));
  for (const [url, text] of Object.entries({ ...texts, ...lazy })) server.files.set(at + url, text);
  return version;
}

// ---------------------------------------------------------------- a device

let one;
let releases;
const FIRST = { "/index.html": "first page", "/assets/a.js": "same", "/assets/b.js": "old" };
const SECOND = { "/index.html": "second page", "/assets/a.js": "same", "/assets/c.js": "new" };

const shown = async () => (await releases.page("the network")).text();
const asset = async (path) => {
  const kept = [];
  const response = await releases.asset({ request: path, waitUntil: (work) => kept.push(work) }, path);
  await Promise.all(kept);
  return response;
};

beforeEach(async () => {
  Object.assign(server, { files: new Map(), asked: [], next: null, refuses: null, starts: [] });
  Object.assign(browser, { caches: new Map(), heard: [] });
  browser.windows = [{ id: "tab", postMessage: (message) => browser.heard.push(message) }];
  one = signer();
  releases = await import(`./releases.js?${Math.random()}`);
  serves(one, 1, FIRST);
  await releases.begin();
  server.asked = [];
});

test("only what changed is asked for, and nothing is taken before somebody agrees", async () => {
  serves(one, 2, SECOND);
  await releases.check();
  assert.deepEqual(server.asked.sort(), ["/assets/c.js", "/index.html", "/release.json"]);
  assert.equal(browser.heard.at(-1).ready, true);
  assert.equal(await shown(), "first page");
  await releases.take();
  assert.equal(await shown(), "second page");
});

test("what a page and the engine run under is asked for anew, though their bytes are the same", async () => {
  const engine = { "/assets/engine-1.js": "engine" };
  serves(one, 2, { ...FIRST, ...engine });
  await releases.check();
  await releases.take();
  server.asked = [];
  serves(one, 3, { ...SECOND, ...engine, "/index.html": "first page" });
  await releases.check();
  assert.deepEqual(server.asked.sort(), ["/assets/c.js", "/assets/engine-1.js", "/index.html", "/release.json"]);
});

test("what is ready is taken at an opening with no other tab", async () => {
  serves(one, 2, SECOND);
  await releases.check();
  browser.windows = [];
  assert.equal(await shown(), "second page");
});

test("a file that is not what was signed is not taken, and told", async () => {
  serves(one, 2, SECOND);
  server.files.set("/assets/c.js", "evil");
  await releases.check();
  assert.deepEqual(browser.heard.at(-1).refused, { reason: "damaged", key: null });
  assert.equal(browser.heard.at(-1).ready, false);
  await releases.take();
  assert.equal(await shown(), "first page");
});

test("another signer is told, and taken only after a person says so", async () => {
  const other = signer();
  serves(other, 1, SECOND);
  await releases.check();
  assert.deepEqual(browser.heard.at(-1).refused, { reason: "key", key: other.key });
  await releases.check({ anyway: signer().key });
  assert.equal(browser.heard.at(-1).ready, false);
  await releases.check({ anyway: other.key });
  assert.equal(browser.heard.at(-1).ready, true);
  await releases.take();
  assert.equal(await shown(), "second page");
  serves(one, 3, FIRST);
  await releases.check();
  assert.equal(browser.heard.at(-1).refused.key, one.key, "the one before is now another");
});

test("a tab of the version before finds its files, and nothing else is run in their place", async () => {
  serves(one, 2, SECOND);
  await releases.check();
  await releases.take();
  server.files.set("/assets/evil.js", "evil");
  assert.equal(await (await asset("/assets/b.js")).text(), "old");
  assert.equal(await (await asset("/assets/c.js")).text(), "new");
  assert.equal((await asset("/assets/evil.js")).type, "error");
});

test("what is fetched when it is asked for is verified then", async () => {
  serves(one, 2, SECOND, { lazy: { "/assets/rare.js": "rare" } });
  await releases.check();
  await releases.take();
  assert.equal(await (await asset("/assets/rare.js")).text(), "rare");
  server.files.delete("/assets/rare.js");
  assert.equal(await (await asset("/assets/rare.js")).text(), "rare");
});

test("a lazy file that is another is refused", async () => {
  serves(one, 2, SECOND, { lazy: { "/assets/rare.js": "rare" } });
  await releases.check();
  await releases.take();
  server.files.set("/assets/rare.js", "evil");
  await assert.rejects(asset("/assets/rare.js"), { reason: "damaged" });
});

test("a version that says twice that it did not start is given up, counted, and offered no more", async () => {
  const version = serves(one, 2, SECOND);
  await releases.check();
  await releases.take();
  await shown();
  assert.equal(await releases.notStarted(), false);
  assert.equal(await shown(), "second page");
  assert.equal(await releases.notStarted(), true);
  assert.equal(await shown(), "first page");
  assert.deepEqual(server.starts, [{ version, good: false }]);
  await releases.check();
  assert.equal(browser.heard.at(-1).ready, false);
  assert.equal(browser.heard.at(-1).wentBack, true);
});

test("a version that started is counted once and stays", async () => {
  const version = serves(one, 2, SECOND);
  await releases.check();
  await releases.take();
  await shown();
  await releases.started();
  await releases.started();
  assert.equal(await releases.notStarted(), false);
  assert.deepEqual(server.starts, [{ version, good: true }]);
  assert.equal(await shown(), "second page");
});

test("a version for some devices is fetched beside the other, by those that are meant", async () => {
  const version = serves(one, 2, SECOND, { at: "/next" });
  server.next = { version, percent: 0, allow: [hash("this device")] };
  await releases.check();
  assert.equal(browser.heard.at(-1).ready, false);
  assert.equal(browser.heard.at(-1).asksWho, true);
  await releases.check({ device: "this device" });
  assert.equal(browser.heard.at(-1).ready, true);
  assert.ok(server.asked.includes("/next/assets/c.js") && !server.asked.includes("/next/assets/a.js"));
  server.next = null;
  await releases.check();
  assert.equal(browser.heard.at(-1).ready, false, "what is taken back is not taken");
});

test("a server that is too busy to say whom a version is for takes nothing back; one of before knows of none", async () => {
  const version = serves(one, 2, SECOND, { at: "/next" });
  server.next = { version, percent: 100, allow: [] };
  await releases.check();
  assert.equal((await releases.told()).ready, true);
  server.refuses = 429;
  await assert.rejects(releases.check(), { status: 429 });
  assert.equal((await releases.told()).ready, true);
  server.refuses = 404;
  await releases.check();
  assert.equal((await releases.told()).ready, false);
});

test("a header of the page that loads or leads elsewhere is not kept", async () => {
  serves(one, 2, SECOND);
  await releases.check();
  await releases.take();
  const page = await releases.page("the network");
  assert.equal(page.headers.get("content-type"), "text/html");
  assert.equal(page.headers.get("link"), null);
});

test("versions that nobody wants are forgotten", async () => {
  for (const number of [2, 3, 4]) {
    serves(one, number, { ...SECOND, "/index.html": `page ${number}` });
    await releases.check();
    await releases.take();
  }
  assert.equal(browser.caches.size, 3, "the state, the version, and the one before");
});
