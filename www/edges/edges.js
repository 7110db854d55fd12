// Reads chunks from edges, in the engine's worker, once the server has said that there are some.
//
// `through` stands in for `fetch`. Reading a whole chunk goes to the edge that `choice.js` chooses, with a
// ticket of the server's, and neither cookie nor token. All else goes to the server as it is, and so does
// a chunk that does not come from an edge in time and as its id says: whoever calls notices time at most.
// Nothing is measured while no chunk is read, and no chunk waits for a ticket or for what is measured.

import { choose } from "./choice.js";
import { Edge, MEASURE_MS_MAX, Way, within } from "./edge.js";

const CHUNK = /^\/api\/v1\/vaults\/([0-9a-f]{64})\/chunks\/([0-9a-f]{64})$/;
const EDGES_MAX = 16;
const VAULTS_MAX = 64;
/** A ticket is renewed so long before it ends; one that did not come or was refused, so late. */
const TICKET_MARGIN_MS = 60_000;
const TICKET_AGAIN_MS = 60_000;

/** The browser's clock and hash. */
const BROWSER = {
  now: () => performance.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  hashOf: async (bytes) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  },
};

/** A `fetch` over the server's that reads chunks from edges. */
export function through(fetch) {
  const edges = new Edges({ ...BROWSER, fetch });
  // The policy is of when this script's worker was fetched: it may not know edges that were named since.
  self.addEventListener("securitypolicyviolation", ({ blockedURI }) => edges.bar(blockedURI));
  return (target, init) => edges.fetch(target, init);
}

export class Edges {
  #platform;
  /** The edges that were named, by their addresses. */
  #edges = new Map();
  #origin;
  #tickets = new Map();

  constructor(platform) {
    this.#platform = platform;
    this.#origin = new Way(platform, "/healthz");
  }

  async fetch(target, init) {
    const read = readOf(target, init);
    const held = read && this.#ticketFor(read);
    const edge = held && this.#choose(held, read);
    if (edge) {
      const { bytes, status } = await edge.read(read, held.ticket, init.signal);
      if (bytes) return answerOf(bytes);
      // Its clock may be another, or the server's key.
      if (status === 401) held.untilMs = -Infinity;
    }
    return this.#platform.fetch(target, init);
  }

  /** Does without the edge of an address that a policy has refused. */
  bar(url) {
    for (const edge of this.#edges.values()) if (url.startsWith(edge.url)) edge.bar();
  }

  #choose({ edges }, { chunk }) {
    if (this.#origin.isDue) this.#origin.measure().catch(() => {});
    for (const edge of edges) edge.measureIfDue();
    const choices = edges.map((edge) => edge.choice).filter(Boolean);
    const originMs = this.#origin.ms;
    // With nothing to compare with, the origin is as good as any.
    const chosen = Number.isFinite(originMs) ? choose(choices, originMs, chunk) : null;
    return chosen && this.#edges.get(chosen.url);
  }

  /** The vault's ticket, if there is one. What is missing or near its end is asked for meanwhile. */
  #ticketFor(read) {
    const now = this.#platform.now();
    if (!this.#tickets.has(read.vault) && this.#tickets.size >= VAULTS_MAX) this.#tickets.clear();
    const held = this.#tickets.get(read.vault) ?? { untilMs: -Infinity, againMs: -Infinity };
    this.#tickets.set(read.vault, held);
    if (now >= held.untilMs - TICKET_MARGIN_MS && now >= held.againMs) {
      held.againMs = now + TICKET_AGAIN_MS;
      // Without one there is the server.
      this.#askTicket(read, held).catch(() => {});
    }
    return now < held.untilMs ? held : null;
  }

  async #askTicket({ vault, authorization }, held) {
    const begunMs = this.#platform.now();
    const asked = { headers: { Authorization: authorization }, credentials: "same-origin", cache: "no-store", redirect: "error" };
    const { ticket, expires_in_s: lifeS, edges } = await within(this.#platform, MEASURE_MS_MAX, async (signal) => {
      const answer = await this.#platform.fetch(`/api/v1/vaults/${vault}/ticket`, { ...asked, signal });
      return answer.ok ? answer.json() : {};
    });
    if (!ticket) return;
    const named = edges.slice(0, EDGES_MAX);
    for (const url of this.#edges.keys()) if (!named.includes(url)) this.#edges.delete(url);
    for (const url of named) if (!this.#edges.has(url)) this.#edges.set(url, new Edge(this.#platform, url));
    Object.assign(held, { ticket, untilMs: begunMs + lifeS * 1_000, edges: named.map((url) => this.#edges.get(url)) });
  }
}

/** The reading of a whole chunk that a call is, if it is one: only that can be checked by the chunk's id. */
function readOf(path, init) {
  const [, vault, chunk] = (typeof path === "string" && CHUNK.exec(path)) || [];
  const { Authorization: authorization, ...others } = init?.headers ?? {};
  const isWhole = init?.method === "GET" && authorization && Object.keys(others).length === 0;
  return chunk && isWhole ? { path, vault, chunk, authorization } : null;
}

function answerOf(bytes) {
  const headers = { "content-type": "application/octet-stream", "content-length": String(bytes.length) };
  return new Response(bytes, { headers });
}
