import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { Edges } from "./edges.js";

const VAULT = "7".repeat(64);
const ONE = "https://one.example";
const TWO = "https://two.example";
const hashOf = async (bytes) => createHash("sha256").update(bytes).digest("hex");
const chunk = (nth) => new TextEncoder().encode(`chunk ${nth}`);
const STATUS = JSON.stringify({ load: 0.1, connections: 3, version: "1" });

/** A browser with a clock of its own, a server, and edges that do what a test says. */
class World {
  nowMs = 0;
  asked = [];
  #timers = [];
  edges = [ONE, TWO];
  /** What an edge answers to who reads a chunk; a function of the bytes. */
  does = { [ONE]: (bytes) => new Response(bytes), [TWO]: (bytes) => new Response(bytes) };
  originMs = 0;
  status = () => new Response(STATUS);
  lifeS = 600;

  constructor() {
    const platform = {
      now: () => this.nowMs,
      after: (ms, then) => {
        const timer = { atMs: this.nowMs + ms, then };
        this.#timers.push(timer);
        return () => (this.#timers = this.#timers.filter((one) => one !== timer));
      },
      hashOf,
      fetch: (url, init) => this.#answer(url, init),
    };
    this.fetching = new Edges(platform);
  }

  async #answer(url, init) {
    this.asked.push({ url, init, atMs: this.nowMs });
    if (url.endsWith("/ticket")) return Response.json({ ticket: "leave", expires_in_s: this.lifeS, edges: this.edges });
    if (url === "/healthz") {
      this.nowMs += this.originMs;
      return new Response("ok\n");
    }
    if (url.endsWith("/edge/status")) return this.does[url.slice(0, -12)] === null ? Promise.reject(new TypeError("gone")) : this.status();
    const bytes = this.chunks.get(/chunks\/([0-9a-f]{64})/.exec(url)[1]);
    if (url.startsWith("/")) return new Response(bytes);
    const does = this.does[new URL(url).origin];
    if (does === null) throw new TypeError("gone");
    const answer = does(bytes, init);
    return Promise.race([answer, new Promise((_, reject) => init.signal.addEventListener("abort", () => reject(init.signal.reason)))]);
  }

  /** Lets all that can happen now happen. */
  async settles() {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async pass(ms) {
    const endMs = this.nowMs + ms;
    for (;;) {
      await this.settles();
      const next = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((one, other) => one.atMs - other.atMs)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.then();
    }
    this.nowMs = endMs;
  }

  chunks = new Map();

  /** Reads a chunk as the engine does, and gives where it came from at last. */
  async reads(nth, { signal, passMs = 0, headers = { Authorization: "Bearer secret" }, method = "GET" } = {}) {
    const bytes = chunk(nth);
    const id = await hashOf(bytes);
    this.chunks.set(id, bytes);
    const path = `/api/v1/vaults/${VAULT}/chunks/${id}`;
    const before = this.asked.length;
    const reading = this.fetching.fetch(path, { method, headers, signal, credentials: "same-origin" });
    reading.catch(() => {});
    if (passMs) await this.pass(passMs);
    const answer = await reading;
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), bytes, "it is the chunk, whoever sent it");
    await this.settles();
    return this.asked.slice(before).map(({ url }) => url).filter((url) => url.includes("/chunks/")).map((url) => (url.startsWith("/") ? "origin" : new URL(url).origin));
  }

  /** A world in which edges are known and measured. */
  static async known(fields = {}) {
    const world = Object.assign(new World(), fields);
    assert.deepEqual(await world.reads(0), ["origin"], "nothing is waited for");
    await world.reads(0);
    return world;
  }

  count(end) {
    return this.asked.filter(({ url }) => url.endsWith(end)).length;
  }
}

const numbers = (count) => Array.from({ length: count }, (_, nth) => nth);

test("chunks come from edges as soon as there is a ticket and they are measured", async () => {
  const world = await World.known();
  const from = [];
  for (const nth of numbers(20)) from.push(...(await world.reads(nth)));
  assert.deepEqual([...new Set(from)].sort(), [ONE, TWO]);
  assert.equal(from.length, 20, "each was asked for once");
  assert.equal(world.count("/ticket"), 1);
});

test("an edge never has a token, a cookie, or a call that is not the reading of a whole chunk", async () => {
  const world = await World.known();
  for (const nth of numbers(10)) await world.reads(nth);
  const calls = [{ method: "PUT" }, { headers: { Authorization: "Bearer secret", Range: "bytes=0-1" } }, { headers: {} }];
  for (const call of calls) assert.deepEqual(await world.reads(3, call), ["origin"]);
  await world.fetching.fetch("/api/v1/account", { method: "GET", headers: { Authorization: "Bearer secret" } }).catch(() => {});
  const told = world.asked.filter(({ url }) => url.startsWith("https://"));
  assert.ok(told.length >= 10);
  for (const { url, init } of told) {
    assert.ok(!JSON.stringify([url, init]).includes("secret"));
    assert.deepEqual([init.credentials, init.headers, init.method, init.body], ["omit", undefined, undefined, undefined]);
    assert.ok(url.endsWith("?ticket=leave") || url.endsWith("/edge/status"), url);
  }
});

test("one that lies is found out at once, not asked for an hour, and nobody notices", async () => {
  const world = await World.known({ edges: [ONE] });
  for (const lie of [() => new Response("another chunk"), () => new Response(new Uint8Array(0)), () => new Response(new Uint8Array(4_195_409))]) {
    world.does[ONE] = lie;
    assert.deepEqual(await world.reads(1), [ONE, "origin"]);
    world.does[ONE] = (bytes) => new Response(bytes);
    world.lifeS = 100_000;
    await world.pass(3_540_000);
    await world.reads(1);
    assert.deepEqual(await world.reads(1), ["origin"]);
    await world.pass(60_000);
    assert.deepEqual(await world.reads(1), ["origin"], "one measures it for all");
    assert.deepEqual(await world.reads(1), [ONE]);
  }
});

test("one that does not begin is left for the server after two seconds, one that stalls after three", async () => {
  const world = await World.known({ edges: [ONE] });
  world.does[ONE] = () => new Promise(() => {});
  const begun = world.nowMs;
  assert.deepEqual(await world.reads(1, { passMs: 2_000 }), [ONE, "origin"]);
  assert.equal(world.nowMs - begun, 2_000);
  world.does[ONE] = (bytes, { signal }) =>
    new Response(new ReadableStream({
      start(stream) {
        stream.enqueue(bytes.slice(0, 2));
        signal.addEventListener("abort", () => stream.error(signal.reason));
      },
    }));
  assert.deepEqual(await world.reads(2, { passMs: 3_000 }), [ONE, "origin"]);
});

test("one that is used to slow answers is given more time", async () => {
  const world = await World.known({ edges: [ONE] });
  const slowly = (ms) => (bytes) => {
    world.nowMs += ms;
    return new Response(bytes);
  };
  world.does[ONE] = slowly(900);
  for (const nth of numbers(5)) await world.reads(nth);
  world.does[ONE] = () => new Promise(() => {});
  const begunMs = world.nowMs;
  assert.deepEqual(await world.reads(6, { passMs: 2_700 }), [ONE, "origin"]);
  assert.equal(world.asked.at(-1).atMs - begunMs, 2_700, "three times what it is used to");
});

test("one that dies is asked three times, then found again by one who measures it", async () => {
  const world = await World.known({ edges: [ONE] });
  world.does[ONE] = null;
  for (const nth of numbers(3)) assert.deepEqual(await world.reads(nth), [ONE, "origin"]);
  for (const nth of numbers(9)) assert.deepEqual(await world.reads(nth), ["origin"]);
  const measured = world.count("/edge/status");
  await world.pass(1_000);
  for (const nth of numbers(3)) assert.deepEqual(await world.reads(nth), ["origin"]);
  assert.equal(world.count("/edge/status"), measured + 1, "one has tried for all");
  world.does[ONE] = (bytes) => new Response(bytes);
  await world.pass(2_000);
  await world.reads(1);
  assert.deepEqual(await world.reads(1), [ONE]);
});

test("when one of two dies the other has its chunks, and keeps its own", async () => {
  const world = await World.known();
  const before = [];
  for (const nth of numbers(30)) before.push((await world.reads(nth)).at(-1));
  world.does[TWO] = null;
  for (const nth of numbers(30)) await world.reads(nth);
  for (const nth of numbers(30)) assert.deepEqual(await world.reads(nth), [ONE]);
  assert.ok(before.includes(ONE) && before.includes(TWO));
});

test("who goes away takes his reading along, and no edge is blamed", async () => {
  const world = await World.known({ edges: [ONE] });
  world.does[ONE] = () => new Promise(() => {});
  for (const nth of numbers(5)) {
    const gone = new AbortController();
    const reading = world.reads(nth, { signal: gone.signal });
    await world.settles();
    gone.abort();
    await reading;
  }
  world.does[ONE] = (bytes) => new Response(bytes);
  assert.deepEqual(await world.reads(1), [ONE]);
});

test("a ticket is renewed before it ends, and one that is refused is not shown again", async () => {
  const world = await World.known({ edges: [ONE] });
  await world.pass(540_000);
  await world.reads(1);
  assert.equal(world.count("/ticket"), 2);
  world.does[ONE] = () => new Response("", { status: 401 });
  await world.pass(60_000);
  assert.deepEqual(await world.reads(1), [ONE, "origin"]);
  assert.deepEqual(await world.reads(1), ["origin"]);
  assert.equal(world.count("/ticket"), 3);
});

test("what is measured is measured once a minute, and only while chunks are read", async () => {
  const world = await World.known({ edges: [ONE] });
  const measured = world.count("/edge/status");
  for (const nth of numbers(50)) await world.reads(nth);
  assert.equal(world.count("/edge/status"), measured);
  await world.pass(3_600_000);
  assert.equal(world.count("/edge/status"), measured, "nobody reads");
  await world.reads(1);
  await world.reads(2);
  assert.equal(world.count("/edge/status"), measured + 1);
  assert.equal(world.count("/healthz"), 3);
});

test("one that says no end of itself, or nothing that can be, is not chosen", async () => {
  const endless = () => new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(65_536)) }));
  for (const status of [endless, () => new Response("{}"), () => new Response('{"load":-1,"connections":2}'), () => new Response("load")]) {
    const world = await World.known({ edges: [ONE], status });
    assert.deepEqual(await world.reads(1), ["origin"]);
  }
});

test("an edge that a policy does not allow is not asked again", async () => {
  const world = await World.known({ edges: [ONE] });
  world.fetching.bar(`${ONE}/api/v1/vaults`);
  const asked = world.asked.length;
  for (const nth of numbers(3)) assert.deepEqual(await world.reads(nth), ["origin"]);
  await world.pass(120_000);
  await world.reads(1);
  assert.ok(!world.asked.slice(asked).some(({ url }) => url.startsWith(ONE)));
});

test("a server that names no edges any more is read from", async () => {
  const world = await World.known({ edges: [ONE] });
  world.edges = [];
  await world.pass(560_000);
  await world.reads(1);
  assert.deepEqual(await world.reads(1), ["origin"]);
});
