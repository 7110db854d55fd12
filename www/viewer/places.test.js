import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as places from "./places.js";

let stored;
beforeEach(() => {
  stored = new Map();
  globalThis.localStorage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
  };
});

test("a film goes on where it was left, until it has ended", () => {
  assert.equal(places.of("/v/1"), 0);
  places.keep("/v/1", 61.7);
  places.keep("/v/2", 5);
  assert.deepEqual([places.of("/v/1"), places.of("/v/2")], [61, 5]);
  places.forget("/v/1");
  assert.deepEqual([places.of("/v/1"), places.of("/v/2")], [0, 5]);
});

test("only the last hundred are kept", () => {
  for (let n = 0; n < 101; n++) places.keep(`/v/${n}`, 9);
  assert.deepEqual([places.of("/v/0"), places.of("/v/1"), places.of("/v/100")], [0, 9, 9]);
});

test("where nothing can be stored, or something else is, a film begins at its beginning", () => {
  localStorage.setItem("offing.places", '{"not": "a list"}');
  assert.equal(places.of("/v/1"), 0);
  delete globalThis.localStorage;
  places.keep("/v/1", 61);
  assert.equal(places.of("/v/1"), 0);
});
