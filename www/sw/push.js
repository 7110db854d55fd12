// The outbox: pushed by this worker's wasm module, loaded when there is something to push.
//
// The build puts the glue of that module (`wasm_bindgen`) before this script and names the module by
// its hash, `__PUSH__ = { url, sha256 }`: script and module belong together, whatever version
// of the app is shown.

import { hashOf } from "./trust.js";

const CACHE = "push";

/** Stores the module, so that it is there with no network. */
export async function storeModule() {
  const cache = await caches.open(CACHE);
  if (!(await cache.match(__PUSH__.url))) await cache.put(__PUSH__.url, await fetched());
}

/** Forgets those of earlier scripts. */
export async function sweepModules() {
  const cache = await caches.open(CACHE);
  const old = (await cache.keys()).filter(({ url }) => new URL(url).pathname !== __PUSH__.url);
  await Promise.all(old.map((request) => cache.delete(request)));
}

async function fetched() {
  const response = await fetch(__PUSH__.url);
  if (!response.ok) throw new Error(`${__PUSH__.url}: status ${response.status}`);
  if ((await hashOf(await response.clone().arrayBuffer())) !== __PUSH__.sha256) throw new Error("another module");
  return response;
}

let loading;

function load() {
  loading ??= (async () => {
    // From the cache first: this worker's own requests do not pass through itself.
    const cache = await caches.open(CACHE);
    await wasm_bindgen({ module_or_path: (await cache.match(__PUSH__.url)) ?? fetched() });
  })().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** Empties the outbox; answers how many entries the server acknowledged. */
export async function push() {
  await load();
  return wasm_bindgen.pushAll();
}
