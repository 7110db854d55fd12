// The end of every module's worker script: the build puts it behind wasm-bindgen's glue.
//
// The frame posts `{ id, load }` with the module's bytes, then, once, `{ id, open: { bytes, name } }`,
// then `{ id, ask }` with a request as JSON. To a module that reads in pieces it posts, instead of the second,
// `{ id, begin: { size, name } }`, and `{ id, give: { start, bytes } }` whenever one is needed. It gets `{ id, answer }`, with the bytes of an answer but
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

function answerTo({ load: wasm, begin, give, open, ask }) {
  if (wasm) return load(wasm);
  if (begin) return wasm_bindgen.begin(begin.size, begin.name);
  if (give) return wasm_bindgen.give(give.start, give.bytes);
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
