import assert from "node:assert/strict";
import { test } from "node:test";

import { CLOSED, failed, lied, stateOf, succeeded, tried } from "./breaker.js";

const opened = [0, 0, 0].reduce((breaker) => failed(breaker, false, 0), CLOSED);

test("it is closed until the third failure one after another", () => {
  const twice = failed(failed(CLOSED, false, 0), false, 0);
  assert.equal(stateOf(twice, 0), "closed");
  const again = failed(succeeded(twice, false), false, 0);
  assert.equal(stateOf(again, 0), "closed");
  assert.equal(stateOf(opened, 0), "open");
});

test("when the pause is over one finds out for all, and its success closes it", () => {
  assert.equal(stateOf(opened, 999), "open");
  assert.equal(stateOf(opened, 1_000), "half-open");
  const trial = tried(opened);
  assert.equal(stateOf(trial, 1_000), "open", "for everybody else");
  assert.deepEqual(succeeded(trial, true), CLOSED);
});

test("each trial that fails makes the pause twice as long, up to a minute", () => {
  let [breaker, nowMs] = [opened, 0];
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    assert.equal(stateOf(breaker, nowMs + pauseMs - 1), "open");
    nowMs += pauseMs;
    assert.equal(stateOf(breaker, nowMs), "half-open");
    breaker = failed(tried(breaker), true, nowMs);
  }
});

test("what was under way when it opened makes the pause no longer and no shorter", () => {
  assert.deepEqual(failed(opened, false, 900), opened);
  assert.deepEqual(succeeded(opened, false), opened);
});

test("one that lied is not asked for an hour, whatever it did before", () => {
  for (const breaker of [CLOSED, opened]) {
    const caught = lied(breaker, 0);
    assert.equal(stateOf(caught, 3_599_999), "open");
    assert.equal(stateOf(caught, 3_600_000), "half-open");
    assert.equal(stateOf(succeeded(caught, false), 1), "open");
  }
});
