// The renderer's worker: answers each text with the steps of its rendering, or with
// nothing where that would be too large.

import initRenderer, { render } from "offing-markdown-glue";

const ready = initRenderer({ module_or_path: __MARKDOWN_WASM__ });
// Thrown outside of the promise, so that the page gets the worker's `error` event.
const fail = (error) => setTimeout(() => { throw error; });

self.addEventListener("message", ({ data }) => {
  ready
    .then(() => {
      const bytes = render(data);
      self.postMessage(bytes, bytes ? [bytes.buffer] : []);
    })
    .catch(fail);
});
