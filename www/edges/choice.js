// Which edge a chunk is read from. Nothing here asks anybody or knows the time.
//
// An edge has a score, by how near, free and dependable it is. Among those that are worth it, the
// chunk's id decides (rendezvous hashing): each edge draws a number for the id, the better the edge the
// higher, and the highest has it. So all devices of a place read a chunk from the same edge, one more edge
// takes over its share of the chunks and moves no other, and a score that changes a little moves few.

/** What a score is made of; together 100. */
const LATENCY = 40;
const LOAD = 30;
const CONNECTIONS = 20;
const HISTORY = 10;
/** How far away, and how busy with connections, an edge is half as good as one can be. */
const HALF_LATENCY_MS = 100;
const HALF_CONNECTIONS = 1_000;
/** Scores are rounded to this: what is measured trembles, and chunks are to stay where they are. */
const STEP = 5;
/** An edge with less of the best one's score than this is left out. */
const WORTH = 0.5;
/** How much farther than the origin an edge may be: it has the chunks at hand, and the origin has others to answer. */
const FARTHER_TIMES = 1.5;
const FARTHER_MS = 50;

/** How good an edge is, from 0 to 100: `load` and `failing` are from 0 to 1. */
export function scoreOf({ latencyMs, load, connections, failing }) {
  const near = HALF_LATENCY_MS / (HALF_LATENCY_MS + latencyMs);
  const free = HALF_CONNECTIONS / (HALF_CONNECTIONS + connections);
  return LATENCY * near + LOAD * (1 - load) + CONNECTIONS * free + HISTORY * (1 - failing);
}

/**
 * The edge that a chunk is read from, or null for the origin. Each of `edges` is `{ url, latencyMs, load,
 * connections, failing }`; the order in which they come says nothing.
 */
export function choose(edges, originMs, chunk) {
  const near = edges.filter(({ latencyMs }) => latencyMs <= originMs * FARTHER_TIMES + FARTHER_MS);
  const scored = near.map((edge) => ({ edge, score: Math.round(scoreOf(edge) / STEP) * STEP }));
  const best = Math.max(...scored.map(({ score }) => score));
  let chosen = null;
  for (const { edge, score } of scored) {
    if (score < best * WORTH) continue;
    const drawn = -score / Math.log(lotOf(edge.url, chunk));
    const isHigher = !chosen || drawn > chosen.drawn || (drawn === chosen.drawn && edge.url < chosen.edge.url);
    if (isHigher) chosen = { edge, drawn };
  }
  return chosen?.edge ?? null;
}

/** A number between 0 and 1 that follows from both. It only has to be even: nobody gains by a chosen id. */
function lotOf(url, chunk) {
  let hash = 0x811c9dc5;
  for (const letter of `${url} ${chunk}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  // The last letters would hardly reach the upper bits.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
