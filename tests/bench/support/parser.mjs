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
