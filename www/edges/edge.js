// One edge: how it did, and reading a chunk from it.
//
// Whatever an edge sends is hashed before anybody sees it. What does not begin, stalls or takes too long
// by what this edge is used to is given up. `platform` is the clock, the hash and the browser's `fetch`.

import { CLOSED, failed, lied, stateOf, succeeded, tried } from "./breaker.js";

/** `CHUNK_SEALED_BYTES_MAX` of the core's limits. */
const CHUNK_BYTES_MAX = 4_195_408;
const SAID_BYTES_MAX = 4_096;
/** So many of the last measured ways are kept, and of its answers so many. */
const WAYS = 3;
const ANSWERS = 15;
export const MEASURE_EVERY_MS = 60_000;
export const MEASURE_MS_MAX = 2_000;
/**
 * How long it may take to begin, until the next piece, and in all; or so many times what it is used to. A chunk that an
 * edge has to fetch first begins when it has all of it.
 */
const BEGIN_MS = 2_000;
const STALL_MS = 3_000;
const WHOLE_MS = 10_000;
const USED_TO_TIMES = 3;
/** How much one answer counts in its history. */
const ONE_COUNTS = 0.1;
/** What never has a cookie or a token of the server's, and is never from a cache. */
const PLAIN = { credentials: "omit", cache: "no-store", redirect: "error" };

/** An answer that is not the chunk. */
class Lie extends Error {}

/** An answer that does not help. */
class Refused extends Error {
  constructor(status) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

/** How far away a place is, found out now and then. */
export class Way {
  #platform;
  #url;
  #lastMs = [];
  #measuredMs = -Infinity;

  constructor(platform, url) {
    this.#platform = platform;
    this.#url = url;
  }

  /** The shortest of the last times; what is longer had to wait somewhere. */
  get ms() {
    return Math.min(...this.#lastMs);
  }

  get isDue() {
    return this.#platform.now() - this.#measuredMs >= MEASURE_EVERY_MS;
  }

  /** Measures it, and gives what was answered there. */
  async measure() {
    // A first answer tells of the connection that was made for it.
    const rounds = this.#lastMs.length ? 1 : 2;
    this.#measuredMs = this.#platform.now();
    let said;
    for (let round = 0; round < rounds; round++) {
      const begunMs = this.#platform.now();
      said = await within(this.#platform, MEASURE_MS_MAX, async (signal) => {
        const answer = await this.#platform.fetch(this.#url, { ...PLAIN, signal });
        if (!answer.ok) throw new Refused(answer.status);
        return new TextDecoder().decode(await bytesOf(answer.body, SAID_BYTES_MAX));
      });
      this.#lastMs = [...this.#lastMs, this.#platform.now() - begunMs].slice(-WAYS);
    }
    return said;
  }
}

export class Edge {
  #platform;
  #way;
  #status = null;
  #breaker = CLOSED;
  #failing = 0;
  #isBarred = false;
  /** How long its last good answers took to begin, and in all. */
  #beginsMs = [];
  #wholesMs = [];

  constructor(platform, url) {
    this.#platform = platform;
    this.url = url;
    this.#way = new Way(platform, `${url}/edge/status`);
  }

  /** What it is chosen by, or null while it is not to be asked. */
  get choice() {
    if (this.#isBarred || !this.#status || this.#state() !== "closed") return null;
    return { url: this.url, latencyMs: this.#way.ms, failing: this.#failing, ...this.#status };
  }

  /** It is asked no more: a policy does not allow it. */
  bar() {
    this.#isBarred = true;
  }

  /** Finds out how it does, if that is due: now and then, and when a pause of its breaker is over. */
  async measureIfDue() {
    const state = this.#state();
    const isTrial = state === "half-open";
    if (this.#isBarred || state === "open" || !(isTrial || this.#way.isDue)) return;
    if (isTrial) this.#breaker = tried(this.#breaker);
    try {
      this.#status = statusOf(await this.#way.measure());
      this.#breaker = succeeded(this.#breaker, isTrial);
    } catch {
      this.#hasFailed(isTrial);
    }
  }

  /**
   * Reads a chunk: `bytes`, or none if it did not come; `status` is that of a refusal. It ends when nobody
   * waits any more, which `signal` tells and says nothing of the edge.
   */
  async read({ path, chunk }, ticket, signal) {
    const begunMs = this.#platform.now();
    try {
      const bytes = await this.#bytesOf(`${this.url}${path}?ticket=${ticket}`, signal);
      if ((await this.#platform.hashOf(bytes)) !== chunk) throw new Lie();
      this.#wholesMs = withLast(this.#wholesMs, this.#platform.now() - begunMs);
      this.#breaker = succeeded(this.#breaker, false);
      this.#failing *= 1 - ONE_COUNTS;
      return { bytes };
    } catch (error) {
      if (signal?.aborted) return {};
      this.#hasFailed(false);
      if (error instanceof Lie) this.#breaker = lied(this.#breaker, this.#platform.now());
      return { status: error.status };
    }
  }

  async #bytesOf(url, signal) {
    const { after, fetch, now } = this.#platform;
    const [control, begunMs] = [new AbortController(), now()];
    const end = () => control.abort();
    signal?.addEventListener("abort", end);
    const forgetWhole = after(limit(WHOLE_MS, this.#wholesMs), end);
    let forget = after(limit(BEGIN_MS, this.#beginsMs), end);
    try {
      const answer = await fetch(url, { ...PLAIN, signal: control.signal });
      if (!answer.ok) throw new Refused(answer.status);
      this.#beginsMs = withLast(this.#beginsMs, now() - begunMs);
      return await bytesOf(answer.body, CHUNK_BYTES_MAX, () => {
        forget();
        forget = after(STALL_MS, end);
      });
    } finally {
      forget();
      forgetWhole();
      signal?.removeEventListener("abort", end);
      // Whatever still comes is not waited for.
      end();
    }
  }

  #state() {
    return stateOf(this.#breaker, this.#platform.now());
  }

  #hasFailed(isTrial) {
    this.#breaker = failed(this.#breaker, isTrial, this.#platform.now());
    this.#failing += (1 - this.#failing) * ONE_COUNTS;
  }
}

/** Does something that ends when its signal says so, which is after so long. */
export async function within({ after }, ms, work) {
  const control = new AbortController();
  const forget = after(ms, () => control.abort());
  try {
    return await work(control.signal);
  } finally {
    forget();
    control.abort();
  }
}

/** What an edge says of itself, as far as it may be. */
function statusOf(text) {
  const { load, connections } = JSON.parse(text);
  if (!(load >= 0 && connections >= 0)) throw new Refused();
  return { load: Math.min(load, 1), connections };
}

function withLast(all, ms) {
  return [...all, ms].slice(-ANSWERS);
}

function limit(leastMs, usedTo) {
  const median = [...usedTo].sort((one, other) => one - other)[usedTo.length >> 1] ?? 0;
  return Math.max(leastMs, median * USED_TO_TIMES);
}

/** All of a body, if it is no longer than that; `waits` hears of each piece before it comes. */
async function bytesOf(body, bytesMax, waits = () => {}) {
  const [reader, pieces] = [body.getReader(), []];
  let length = 0;
  for (;;) {
    waits();
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > bytesMax) throw new Lie();
    pieces.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
