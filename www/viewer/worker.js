// The end of every module's worker script: the build puts it behind wasm-bindgen's glue.
//
// The frame posts `{ id, load }` with the module's bytes, then, once, `{ id, open: { bytes, name } }`,
// then `{ id, ask }` with a request as JSON. It gets `{ id, answer }`, with the bytes of an answer but
// for the first, `{ id, refused }` with a code, or `{ id, broke }`, after which this worker is good for
// nothing more.

/** Memory from which on a module that breaks down is taken to have wanted more. */
const MEMORY_SHORT_BYTES = 192 * 1024 * 1024;

let memory;

async function load(wasm) {
  const made = await wasm_bindgen({ module_or_path: wasm });
  memory = made.memory;
  return new Uint8Array();
}

function answerTo({ load: wasm, open, ask }) {
  if (wasm) return load(wasm);
  return open ? wasm_bindgen.open(open.bytes, open.name) : wasm_bindgen.ask(ask);
}

self.onmessage = async ({ data }) => {
  const { id } = data;
  try {
    const answer = await answerTo(data);
    self.postMessage({ id, answer }, [answer.buffer]);
  } catch (error) {
    if (typeof error === "string") return self.postMessage({ id, refused: error });
    console.info(String(error));
    const short = memory && memory.buffer.byteLength > MEMORY_SHORT_BYTES;
    self.postMessage({ id, broke: short ? "memory" : "crash" });
  }
};
