import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { choose, scoreOf } from "./choice.js";

const ORIGIN_MS = 80;
const CHUNKS = Array.from({ length: 4_000 }, (_, nth) => createHash("sha256").update(`${nth}`).digest("hex"));

const edge = (name, fields = {}) => ({ url: `https://${name}.example`, latencyMs: 10, load: 0.1, connections: 20, failing: 0, ...fields });
const read = (edges) => CHUNKS.map((chunk) => choose(edges, ORIGIN_MS, chunk)?.url);
const moved = (before, after) => before.filter((url, nth) => url !== after[nth]).length / CHUNKS.length;
const shareOf = (urls, { url }) => urls.filter((one) => one === url).length / CHUNKS.length;
const isAbout = (share, wanted) => assert.ok(Math.abs(share - wanted) < 0.03, `${share} is about ${wanted}`);

test("one edge more takes its share of the chunks, and no other chunk moves", () => {
  for (const count of [1, 2, 4, 9]) {
    const edges = Array.from({ length: count }, (_, nth) => edge(`edge${nth}`));
    const added = edge("added");
    const [before, after] = [read(edges), read([...edges, added])];
    isAbout(moved(before, after), 1 / (count + 1));
    isAbout(shareOf(after, added), 1 / (count + 1));
    assert.ok(before.every((url, nth) => url === after[nth] || after[nth] === added.url));
  }
});

test("equal edges share evenly, in whatever order they are named", () => {
  const [one, two] = [edge("one"), edge("two")];
  const urls = read([one, two]);
  isAbout(shareOf(urls, one), 0.5);
  assert.deepEqual(read([two, one]), urls);
});

test("the same edge named twice changes nothing", () => {
  const [one, two] = [edge("one"), edge("two")];
  assert.deepEqual(read([one, two, { ...one }]), read([one, two]));
});

test("a better edge has more, and what trembles moves nothing or little", () => {
  const [one, two] = [edge("one"), edge("two", { load: 0.5, latencyMs: 40 })];
  const urls = read([one, two]);
  assert.ok(shareOf(urls, one) > 0.55);
  const trembling = [{ ...one, latencyMs: 12, connections: 25 }, { ...two, load: 0.52 }];
  assert.ok(moved(urls, read(trembling)) < 0.05);
});

test("an edge that is much worse than the best has none", () => {
  const worst = edge("worst", { latencyMs: 150, load: 1, connections: 9_000, failing: 1 });
  assert.ok(scoreOf(worst) < scoreOf(edge("best")) / 2);
  assert.equal(shareOf(read([edge("best"), worst]), worst), 0);
});

test("an edge that is farther away than the origin has none, and with no edge it is the origin", () => {
  const far = edge("far", { latencyMs: 400 });
  assert.equal(choose([far], ORIGIN_MS, CHUNKS[0]), null);
  assert.equal(choose([far], 300, CHUNKS[0]), far);
  assert.equal(choose([], ORIGIN_MS, CHUNKS[0]), null);
});

test("a score is of four parts: 40 for latency, 30 for load, 20 for connections, 10 for history", () => {
  const best = { latencyMs: 0, load: 0, connections: 0, failing: 0 };
  assert.equal(scoreOf(best), 100);
  assert.equal(scoreOf({ ...best, latencyMs: Infinity }), 60);
  assert.equal(scoreOf({ ...best, load: 1 }), 70);
  assert.equal(scoreOf({ ...best, connections: Infinity }), 80);
  assert.equal(scoreOf({ ...best, failing: 1 }), 90);
});
