// Whether an edge is asked, by how the last questions to it went. The time is an argument, and a breaker a value:
// each of these gives the next one.
//
//   closed      it is asked
//   open        it is not, after a few failures one after another: for a second, then two, up to a minute
//   half-open   the pause is over, and one question finds out for all
//
// One that lied, whose bytes were not those that were asked for, is not asked for an hour.

const FAILURES_MAX = 3;
const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 60_000;
const LIE_MS = 3_600_000;

/** A breaker that has seen nothing yet. */
export const CLOSED = { failed: 0, untilMs: 0, isTried: false };

/** `closed`, `open`, or `half-open` until somebody finds out. */
export function stateOf({ failed, untilMs, isTried }, nowMs) {
  if (failed < FAILURES_MAX) return "closed";
  return nowMs < untilMs || isTried ? "open" : "half-open";
}

/** One finds out for all. */
export function tried(breaker) {
  return { ...breaker, isTried: true };
}

/** It answered well: to whoever found out for all, or while it was closed. */
export function succeeded(breaker, isTrial) {
  // What was under way when it opened says nothing of now.
  return breaker.failed < FAILURES_MAX || isTrial ? CLOSED : breaker;
}

/** It did not answer, or not in time, or with something that does not help. */
export function failed(breaker, isTrial, nowMs) {
  // Those that were under way when it opened are one failure, not many.
  if (breaker.failed >= FAILURES_MAX && !isTrial) return breaker;
  const count = breaker.failed + 1;
  const pauseMs = Math.min(PAUSE_MS * 2 ** Math.max(count - FAILURES_MAX, 0), PAUSE_MS_MAX);
  return { failed: count, untilMs: nowMs + pauseMs, isTried: false };
}

/** It lied. */
export function lied({ failed }, nowMs) {
  return { failed: Math.max(failed, FAILURES_MAX), untilMs: nowMs + LIE_MS, isTried: false };
}
