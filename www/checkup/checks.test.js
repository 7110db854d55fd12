import assert from "node:assert/strict";
import { test } from "node:test";

import { CHECKS, checks } from "./checks.js";
import { TEXTS } from "./texts.js";

const HEADERS = { "x-content-type-options": "nosniff", "content-security-policy": "script-src 'self'" };
const FILE = "/assets/page-abc.js";

/** A world in which all is as it should be; `differs` says what is not. */
function aWorld(differs = {}) {
  let [calls, at] = [0, 0];
  const tick = (ms) => (at += ms);
  const seen = () => ({
    version: "1.0",
    now_ms: 1_000_000,
    public_url: "https://drive.example",
    host: "drive.example",
    http: "1.1",
    heard: ["authorization", "range"],
    callers: "told",
    headers: Object.entries(HEADERS).map(([name, value]) => ({ name, value })),
    bodies_bytes: [4, 32],
    pieces_ms: 800,
    ...differs.seen,
  });
  const answers = {
    "/": () => ["", { "cache-control": "no-cache", "content-security-policy": "script-src 'sha256-AAA=' 'self'" }],
    "/sw.js": () => ["", { "cache-control": "no-cache", "content-type": "text/javascript" }],
    "/release.json": () => [JSON.stringify({ release: JSON.stringify({ files: { "/": "", [FILE]: "" } }) }), {}],
    [FILE]: () => ["", { "cache-control": "public,immutable" }],
    "/api/v1/checkup": () => [JSON.stringify(seen()), {}],
    "/api/v1/checkup/body": ({ body }) => [JSON.stringify({ received_bytes: body.length }), {}],
    "/api/v1/checkup/pieces": () => [pieces(), {}],
    ...differs.answers,
  };
  const pieces = () => {
    let left = 3;
    const gives = (stream) => (left-- ? (tick(differs.pieceMs ?? 400), stream.enqueue(new Uint8Array(1))) : stream.close());
    return new ReadableStream({ pull: gives }, { highWaterMark: 0 });
  };
  return {
    async fetch(path, options) {
      calls += 1;
      const [body, headers, status = 200] = answers[path](options);
      const ids = { "x-request-id": differs.cached ? "same" : `${calls}`, "cache-control": "no-store" };
      const all = { ...HEADERS, ...ids, ...headers };
      for (const name of differs.lost ?? []) delete all[name];
      return new Response(options.method === "HEAD" ? null : body, { status, headers: all });
    },
    WebSocket: class {
      constructor(url) {
        assert.equal(url, "wss://drive.example/api/v1/checkup/live");
        queueMicrotask(() => (differs.noSockets ? this.onerror() : this.onopen()));
      }
      send(said) {
        this.onmessage({ data: JSON.stringify({ received_bytes: said.length }) });
      }
      close() {}
    },
    now: () => 1_000_000 + (differs.aheadMs ?? 0) + at,
    clock: () => at,
    location: { protocol: "https:", host: "drive.example", origin: "https://drive.example" },
    isSecureContext: true,
    protocolOf: () => "h2",
    ...differs.world,
  };
}

/** What is not good, by its check. */
async function faults(differs) {
  const found = {};
  await checks(aWorld(differs), (name, finding) => {
    if (finding.grade !== "good") found[name] = [finding.grade, finding.says];
    said(name, finding);
  });
  return found;
}

/** Every finding has words in each language. */
function said(name, { says, about }) {
  for (const texts of Object.values(TEXTS)) {
    const text = texts.checks[name][says] ?? texts[says];
    const words = typeof text === "function" ? text(about) : text;
    assert.ok(words && !/undefined|null|NaN/.test(words), `${name} ${says}: ${words}`);
  }
}

const tooLarge = (most) => ({ body }) => [JSON.stringify({ received_bytes: body.length }), {}, body.length > most ? 413 : 200];

test("where nothing is wrong, nothing is said to be", async () => {
  assert.deepEqual(await faults({}), {});
});

test("a header that is lost, changed or doubled is named", async () => {
  assert.deepEqual(await faults({ lost: ["x-content-type-options"] }), { headers: ["wrong", "gone"] });
  const doubled = ["", { "cache-control": "no-cache", "x-content-type-options": "nosniff, nosniff" }];
  assert.deepEqual(await faults({ answers: { "/": () => doubled } }), { headers: ["wrong", "changed"] });
});

test("bodies that a proxy does not take are found, by the size that matters", async () => {
  const limited = (most) => faults({ answers: { "/api/v1/checkup/body": tooLarge(most) } });
  assert.deepEqual(await limited(1), { body: ["wrong", "chunk"] });
  assert.deepEqual(await limited(4), { body: ["wrong", "batch"] });
});

test("a refusal for asking too often is no fault of the line", async () => {
  const often = () => [JSON.stringify({ code: "rate_limited" }), {}, 429];
  assert.deepEqual(await faults({ answers: { "/api/v1/checkup/body": often } }), { body: ["warn", "often"] });
});

test("answers that are held back, packed or kept are found", async () => {
  assert.deepEqual(await faults({ pieceMs: 1 }), { pieces: ["warn", "held"] });
  assert.deepEqual(await faults({ cached: true }), { fresh: ["wrong", "kept"] });
  const kept = ["", { "cache-control": "max-age=60", "content-type": "text/javascript" }];
  assert.deepEqual(await faults({ answers: { "/sw.js": () => kept } }), { files: ["wrong", "kept"] });
});

test("a name that is not passed on, a token that is taken away and callers that are one are told", async () => {
  const seen = { host: "10.0.0.1:7070", public_url: "http://localhost:7070", heard: ["range"], callers: "unheeded" };
  const expected = { address: ["wrong", "wrong"], callers: ["warn", "unheeded"], passed: ["wrong", "gone"] };
  assert.deepEqual(await faults({ seen }), expected);
  assert.deepEqual(await faults({ seen: { public_url: "https://other.example" } }), { address: ["warn", "other"] });
});

test("sockets that do not open, clocks that differ and a page without TLS are told", async () => {
  assert.deepEqual(await faults({ noSockets: true }), { live: ["wrong", "wrong"] });
  assert.deepEqual(await faults({ aheadMs: 40_000 }), { clock: ["warn", "ahead"] });
  assert.deepEqual(await faults({ aheadMs: -40_000 }), { clock: ["warn", "behind"] });
  assert.deepEqual(await faults({ aheadMs: 20_000 }), {});
  assert.deepEqual((await faults({ world: { isSecureContext: false, location: { protocol: "http:", host: "drive.example", origin: "https://drive.example" } } })).secure, ["wrong", "wrong"]);
  assert.deepEqual(await faults({ world: { protocolOf: () => "http/1.1" } }), { http: ["warn", "old"] });
});

test("edges are none, or answer the app where it is opened, or are named", async () => {
  const [near, far] = ["https://near.example", "https://far.example"];
  const answers = { [`${near}/edge/status`]: () => ['{"load":0.1,"connections":3}', {}], [`${far}/edge/status`]: () => ["<html>", {}] };
  assert.deepEqual(await faults({ seen: { edges: [near] }, answers }), {});
  assert.deepEqual(await faults({ seen: { edges: [near, far] }, answers }), { edges: ["wrong", "silent"] });
  const elsewhere = { edges: [near], public_url: "https://other.example" };
  assert.deepEqual((await faults({ seen: elsewhere, answers })).edges, ["warn", "elsewhere"]);
});

test("where no call comes through, that is said, and nothing else is claimed", async () => {
  const found = await faults({ answers: { "/api/v1/checkup": () => ["<html>", {}] } });
  assert.deepEqual(found.reached, ["wrong", "wrong"]);
  const others = Object.entries(found).filter(([name]) => name !== "reached");
  assert.equal(others.length, CHECKS.length - 2);
  for (const [, finding] of others) assert.deepEqual(finding, ["warn", "unknown"]);
});

test("both languages say the same things", () => {
  for (const [name] of CHECKS) {
    assert.deepEqual(Object.keys(TEXTS.zh.checks[name]), Object.keys(TEXTS.en.checks[name]), name);
  }
  assert.deepEqual(Object.keys(TEXTS.zh), Object.keys(TEXTS.en));
});
