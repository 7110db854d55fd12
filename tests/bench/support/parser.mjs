// A parser of previews as the preview runs it: a new worker and a newly compiled module for each file,
// compiled with the file, or before it where the preview has one in reserve.
// Served to the stage's page under its own name.

export class Parser {
  #worker;
  #last = 0;

  constructor(script) {
    this.#worker = new Worker(script);
  }

  /** Compiles the module and starts it, handing over its bytes. */
  load(wasm) {
    return this.#post({ load: wasm }, [wasm]);
  }

  /** Opens a file, handing over its bytes; the answer's data and bytes. */
  open(file, name) {
    return this.#post({ open: { bytes: new Uint8Array(file), name } }, [file]);
  }

  ask(question) {
    return this.#post({ ask: JSON.stringify(question) });
  }

  end() {
    this.#worker.terminate();
  }

  #post(message, transfer = []) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("late")), 10_000);
      this.#worker.onmessage = ({ data: { answer, refused, broke } }) => {
        clearTimeout(late);
        if (!answer) return reject(new Error(refused ?? broke));
        if (!answer.length) return resolve({});
        const length = new DataView(answer.buffer).getUint32(0, true);
        resolve({ data: JSON.parse(new TextDecoder().decode(answer.subarray(4, 4 + length))), bytes: answer.subarray(4 + length) });
      };
      this.#worker.postMessage({ id: (this.#last += 1), ...message }, transfer);
    });
  }
}

const bytesOf = async (url) => (await fetch(url)).arrayBuffer();

/**
 * Each file by ours, as the first of its kind and after others, and by the other, in turns; milliseconds, or
 * null where it was not shown. `ours(parser, file)` and `theirs(file)` show one; theirs answers with what
 * lets it go, for which nobody waits here.
 *
 * As in the preview, what shows the next file is made while the one before is open still, so that a browser
 * finds compiled what that one had it compile. The first of its kind has nothing that was compiled before.
 */
export async function inTurns({ count, script, module }, ours, other, theirs) {
  const found = { "offing, first": [], "offing, then": [], [other]: [] };
  const wasm = await bytesOf(module);
  const made = async () => {
    const parser = new Parser(script);
    await parser.load(wasm.slice());
    return parser;
  };
  const takes = async (name, show) => {
    const start = performance.now();
    const shown = await show().catch(() => null);
    found[name].push(shown && performance.now() - start);
    await shown?.();
  };
  const byOurs = async (parser, file) => {
    await ours(parser, file);
    return () => {};
  };
  let open = await made();
  for (let at = 0; at < count; at += 1) {
    const file = await bytesOf(`/file-${at}`);
    const next = await made();
    open.end();
    open = next;
    await takes("offing, then", () => byOurs(open, file.slice()));
    await takes(other, () => theirs(file));
  }
  open.end();
  for (let at = 0; at < count; at += 1) {
    const file = await bytesOf(`/file-${at}`);
    await takes("offing, first", async () => byOurs((open = await made()), file));
    open.end();
  }
  return found;
}
