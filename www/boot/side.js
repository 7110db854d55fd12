// Questions to the engine that the page's wasm knows nothing of (`worker::engine::side`).

const questions = new Map();
let last = 0;
let port;

/**
 * Asks; the numbers of what is asked are those of `side.rs`. The answer has no values where that
 * cannot be told.
 *
 * @param {number} what
 * @param {string} node the id of what it is about
 * @param {any} [about]
 * @returns {Promise<any[]>}
 */
export function ask(what, node, about = null) {
  port ??= open();
  const id = ++last;
  return new Promise((resolve) => {
    questions.set(id, resolve);
    port.postMessage([id, what, node, about]);
  });
}

function open() {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data: [id, ...answer] }) => {
    questions.get(id)?.(answer);
    questions.delete(id);
  };
  globalThis.offingEngine.postMessage([port2], [port2]);
  return port1;
}
