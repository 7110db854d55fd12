// The app from the server, chunks from edges that it names.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { Edge } from "./support/edge.js";
import { downloads, uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";

const MIB = 1024 * 1024;
const NOTES = Array.from({ length: 12 }, (_, nth) => `note ${nth}.bin`);

test("files come from edges, one of which dies under a download that nobody sees falter", async (t) => {
  const edges = [await Edge.at(), await Edge.at()];
  t.after(() => Promise.all(edges.map((edge) => edge.end())));
  const w = await world(t, { env: { OFFING_EDGE_URLS: edges.map(({ url }) => url).join(",") } });
  for (const edge of edges) await edge.standsBefore(w.server);

  const laptop = await w.firstDevice("laptop");
  const film = noise(24 * MIB + 17, 5);
  const notes = NOTES.map((name, nth) => [name, noise(300_000, nth + 10)]);
  const disk = await w.disk(Object.fromEntries([["film.mkv", film], ...notes]));
  await uploads(laptop, ["film.mkv", ...NOTES].map((name) => path.join(disk, name)));
  await laptop.sees("film.mkv", ...NOTES);
  await laptop.isOnServer();

  const phone = await w.nextDevice("phone");
  phone.expectsComplaint(/net::ERR_/);
  // The first comes from the server and tells of edges, later ones from the edges that were measured meanwhile.
  for (const [name, bytes] of notes) assert.ok((await downloads(phone, name)).bytes.equals(bytes), name);
  const [one, two] = edges;
  assert.ok(one.givenBytes + two.givenBytes > 300_000, "chunks came from edges");

  one.diesAfter(3 * MIB);
  const got = await downloads(phone, "film.mkv");
  assert.ok(got.bytes.equals(film), "the film is byte-equal");
  assert.equal(one.isUp, false, "one has died under it");
  assert.ok(two.givenBytes > 3 * MIB, "the other went on");

  // What edges were sent: tickets, and nothing that opens more.
  for (const { heard } of edges) {
    assert.match(heard, /GET \/api\/v1\/vaults\/[0-9a-f]{64}\/chunks\/[0-9a-f]{64}\?ticket=[\w-]{194} HTTP/);
    assert.match(heard, /GET \/edge\/status HTTP/);
    const lines = heard.split("\r\n").filter((line) => / HTTP\/1\.1$/.test(line));
    assert.ok(lines.every((line) => line.startsWith("GET ")), "nothing but reading, and no question beforehand");
    assert.doesNotMatch(heard, /^(cookie|authorization):/im);
  }
});
