import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";

import { begun, failed, FORMAT, hashOf, isMeant, isNext, isOver, open, PROTOCOL, RELEASE_LABEL, ROTATION_LABEL, TRIAL } from "./trust.js";

const HASH = "a".repeat(64);
const VERSION = "0123456789abcdef";

function signer() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const signs = (text) => sign(null, Buffer.from(text), privateKey).toString("base64url");
  return { key: publicKey.export({ format: "jwk" }).x, signs };
}

function written(by, { rotations = [], ...fields } = {}) {
  const files = { "/index.html": HASH };
  const release = JSON.stringify({ format: FORMAT, number: 2, version: VERSION, needs: PROTOCOL, worker: HASH, files, idle: {}, lazy: {}, ...fields });
  return { release, key: by.key, signature: by.signs(RELEASE_LABEL + release), rotations };
}

const passes = (from, to) => ({ from: from.key, to: to.key, signature: from.signs(ROTATION_LABEL + to.key) });
const has = (by, fields = {}) => ({ key: by.key, current: { version: "f".repeat(16), number: 1 }, bad: [], ...fields });
const opened = (written) => open(JSON.stringify(written));
const damaged = { reason: "damaged" };

test("a release that the known signer signed is the next one", async () => {
  const one = signer();
  assert.equal(isNext(await opened(written(one)), has(one)), true);
});

test("a release with any changed word is damaged", async () => {
  const one = signer();
  const whole = written(one);
  await assert.rejects(opened({ ...whole, release: whole.release.replace("index", "other") }), damaged);
  await assert.rejects(opened({ ...whole, signature: signer().signs(RELEASE_LABEL + whole.release) }), damaged);
  await assert.rejects(opened({ ...whole, signature: one.signs(whole.release) }), damaged);
  await assert.rejects(opened({ ...whole, key: "no key" }), damaged);
  await assert.rejects(open("<!doctype html>"), damaged);
  await assert.rejects(open("null"), damaged);
});

test("what is no release of this format is damaged, whoever signed it", async () => {
  const one = signer();
  const bad = [{ format: 2 }, { number: "2" }, { version: "../x" }, { files: {} }, { lazy: { "/a.js": "b" } }, { idle: { "a.js": HASH } }, { worker: "sw.js" }];
  for (const fields of bad) await assert.rejects(opened(written(one, fields)), damaged, JSON.stringify(fields));
});

test("another signer is told apart, with the key", async () => {
  const [one, other] = [signer(), signer()];
  const whole = await opened(written(other));
  assert.throws(() => isNext(whole, has(one)), { reason: "key", key: other.key });
});

test("a key that the one before names is believed, over several steps, and no other", async () => {
  const [one, two, three, other] = [signer(), signer(), signer(), signer()];
  const rotations = [passes(one, two), passes(two, three)];
  const whole = await opened(written(three, { rotations }));
  for (const by of [one, two, three]) assert.equal(isNext(whole, has(by)), true);
  const forged = { ...passes(other, three), from: one.key };
  const taken = await opened(written(three, { rotations: [forged, passes(other, two)] }));
  assert.throws(() => isNext(taken, has(one)), { reason: "key" });
  assert.throws(() => isNext(taken, has(other)), { reason: "key" });
});

test("a number that does not go up, and a version that did not start here, are not taken", async () => {
  const one = signer();
  const whole = await opened(written(one));
  assert.equal(isNext(whole, has(one, { current: { version: "f".repeat(16), number: 2 } })), false);
  assert.equal(isNext(whole, has(one, { current: { version: VERSION, number: 1 } })), false);
  assert.equal(isNext(whole, has(one, { bad: [VERSION] })), false);
});

test("a version that needs a later service worker waits for it", async () => {
  const one = signer();
  assert.equal(isNext(await opened(written(one, { needs: PROTOCOL + 1 })), has(one)), false);
});

test("the frozen release opens, and its hash is what it names", async () => {
  // RFC 8032, 7.1, TEST 1 has the key.
  const frozen =
    '{"release":"{\\"format\\":1,\\"number\\":1,\\"version\\":\\"0123456789abcdef\\",\\"needs\\":1,\\"worker\\":\\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\",\\"files\\":{\\"/index.html\\":\\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\\"},\\"idle\\":{},\\"lazy\\":{}}","key":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","signature":"jIUE5JGuNLtpsUf_i7YeqGH6t5JDR_DJ00uNPgV8MrRAyNOOdyF34_Qa6XOP4vVua4xzEa2iPmQlnqNtjdThCQ","rotations":[]}';
  const { release, keys } = await open(frozen);
  assert.deepEqual(keys, ["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"]);
  assert.equal(await hashOf(new TextEncoder().encode("abc")), release.files["/index.html"]);
});

test("a version that twice says that it did not start is over", () => {
  const once = failed(begun(TRIAL, 1_000));
  assert.equal(isOver(once), false);
  assert.equal(isOver(failed(begun(once, 2_000))), true);
});

test("a version that says nothing is over after two starts that had their time", () => {
  const second = begun(begun(TRIAL, 0), 30_000);
  assert.equal(isOver(second), false);
  assert.equal(isOver(begun(second, 60_000)), true);
});

test("many tabs that open at once are one start", () => {
  let trial = TRIAL;
  for (let tab = 0; tab < 9; tab++) trial = begun(trial, tab * 100);
  assert.equal(isOver(trial), false);
});

test("of many devices as many are meant as the share says, always the same, and the named ones", async () => {
  const next = { version: VERSION, percent: 25, allow: [HASH] };
  const drawn = await Promise.all(Array.from({ length: 400 }, (_, lot) => isMeant(next, `lot ${lot}`, "b".repeat(64))));
  const meant = drawn.filter(Boolean).length;
  assert.ok(meant > 60 && meant < 140, `${meant} of 400`);
  assert.equal(await isMeant(next, "lot 0", "b".repeat(64)), drawn[0]);
  const none = { ...next, percent: 0 };
  assert.equal(await isMeant(none, "lot 0", "b".repeat(64)), false);
  assert.equal(await isMeant(none, "lot 0", HASH), true);
  assert.equal(await isMeant({ ...next, percent: 100 }, "lot 0", null), true);
});
