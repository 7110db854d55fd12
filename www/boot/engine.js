// The engine's worker: loads the engine's wasm, and keeps what the page says
// meanwhile. A message that arrives before there is a listener would be lost.

import initEngine from "offing-engine-glue";

const early = [];
const keep = (event) => early.push(event);
self.addEventListener("message", keep);

initEngine({ module_or_path: __ENGINE_WASM__ }).then(
  () => {
    self.removeEventListener("message", keep);
    for (const { data, ports } of early) {
      self.dispatchEvent(new MessageEvent("message", { data, ports: [...ports] }));
    }
  },
  // Thrown outside of the promise, so that the page gets the worker's `error` event.
  (error) => setTimeout(() => { throw error; }),
);
