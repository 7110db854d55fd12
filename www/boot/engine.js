// The engine's worker: runs the engine's wasm, and keeps what the page says meanwhile. A
// message that arrives before there is a listener would be lost.
//
// The boot script hands over the compiled module as `{ module }`, or null where it could
// not compile it; all else that the page says is an array, or `{ maker }`.

import initEngine from "offing-engine-glue";

/** OPAQUE, in a module that comes when somebody signs up or in: once in months. */
self.offingOpaque = async () => {
  const opaque = await import("offing-opaque-glue");
  await opaque.default({ module_or_path: __OPAQUE_WASM__ });
  return opaque;
};

/** The second factor of a sign-in, for which the page asks; true once it is proved. */
self.offingFactor = (login) => {
  const { port1, port2 } = new MessageChannel();
  self.postMessage({ login }, [port2]);
  return new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
};

/** Thumbs of what is uploaded, by a script that comes with the first picture. */
self.offingThumb = async (file) => (await import("../thumbs/maker.js")).thumbOf(file, maker);

/** Where the page makes thumbs that a worker cannot: a port that comes as `{ maker }`. */
let maker;
self.addEventListener("message", ({ data }) => (maker = data.maker ?? maker));

/**
 * Chunks may come from edges, by a script that comes once the server has said that there are some. The
 * engine asks as ever, so it has nothing to know of that.
 */
const ours = self.fetch.bind(self);
let asks = first;
self.fetch = (target, init) => asks(target, init);

async function first(target, init) {
  const answer = await ours(target, init);
  if (asks === first && answer.headers.has("offing-edges")) {
    asks = ours;
    import("../edges/edges.js").then(({ through }) => (asks = through(ours)), () => {});
  }
  return answer;
}

const early = [];
let take;
const compiled = new Promise((resolve) => (take = resolve));
const keep = (event) => (Array.isArray(event.data) ? early.push(event) : "module" in event.data && take(event.data.module));
self.addEventListener("message", keep);

async function start() {
  await initEngine({ module_or_path: (await compiled) ?? __ENGINE_WASM__ });
  self.removeEventListener("message", keep);
  for (const { data, ports } of early) {
    self.dispatchEvent(new MessageEvent("message", { data, ports: [...ports] }));
  }
}

// Thrown outside of the promise, so that the page gets the worker's `error` event.
start().catch((error) => setTimeout(() => { throw error; }));
