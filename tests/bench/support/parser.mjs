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
 * Each file by ours, with its module in reserve and with it compiled anew, and by the other, in turns;
 * milliseconds, or null where it was not shown. `ours(parser, file)` and `theirs(file)` show one.
 */
export async function inTurns({ count, script, module }, ours, other, theirs) {
  const found = { "offing, first": [], "offing, then": [], [other]: [] };
  for (let at = 0; at < count; at += 1) {
    const [file, wasm] = await Promise.all([bytesOf(`/file-${at}`), bytesOf(module)]);
    const takes = async (name, show) => {
      const start = performance.now();
      found[name].push(await show().then(() => performance.now() - start, () => null));
    };
    const reserve = new Parser(script);
    await reserve.load(wasm.slice());
    await takes("offing, then", () => ours(reserve, file.slice()));
    await takes("offing, first", async () => {
      const parser = new Parser(script);
      await parser.load(wasm);
      await ours(parser, file.slice());
    });
    await takes(other, () => theirs(file));
  }
  return found;
}
