// The end of every module's worker script: the build puts it behind wasm-bindgen's glue.
//
// The frame posts `{ id, open: { wasm, bytes, name } }` once, then `{ id, ask }` with a
// request as JSON, and gets `{ id, answer }` with the bytes of an answer, `{ id, refused }`
// with a code, or `{ id, broke }`, after which this worker is good for nothing more.

/** Memory from which on a module that breaks down is taken to have wanted more. */
const MEMORY_SHORT_BYTES = 192 * 1024 * 1024;

let memory;

async function open({ wasm, bytes, name }) {
  const made = await wasm_bindgen({ module_or_path: wasm });
  memory = made.memory;
  return wasm_bindgen.open(bytes, name);
}

self.onmessage = async ({ data }) => {
  const { id } = data;
  try {
    const answer = data.open ? await open(data.open) : wasm_bindgen.ask(data.ask);
    self.postMessage({ id, answer }, [answer.buffer]);
  } catch (error) {
    if (typeof error === "string") return self.postMessage({ id, refused: error });
    console.info(String(error));
    const short = memory && memory.buffer.byteLength > MEMORY_SHORT_BYTES;
    self.postMessage({ id, broke: short ? "memory" : "crash" });
  }
};
