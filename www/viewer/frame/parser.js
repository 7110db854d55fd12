// A module in its worker, which is ended as soon as it breaks down or takes too long.

import { Refused } from "../line.js";
import { ANSWER_MS, NEEDS_MAX, READ_BYTES_MAX } from "../limits.js";

export class Parser {
  #worker;
  #waiting = new Map();
  #last = 0;
  #opened = false;
  #read;
  #failed;
  #why;

  /** `loaded` is when the module may open its file; `failed(reason)` is called where it ends after that. */
  constructor({ script, wasm }, failed) {
    this.#failed = failed;
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.#worker = new Worker(address, { name: "preview" });
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = () => this.#end("crash");
    this.loaded = this.#post({ load: wasm }, [wasm]);
  }

  async open(bytes, name) {
    await this.loaded;
    const about = decode(await this.#post({ open: { bytes, name } }, [bytes.buffer]));
    this.#opened = true;
    return about;
  }

  /** Opens a file that is read in pieces, by `read(start, end)`. */
  async openInPieces(size, name, read) {
    await this.loaded;
    this.#read = read;
    await this.#post({ begin: { size, name } });
    const about = await this.ask("open");
    this.#opened = true;
    return about;
  }

  async ask(request) {
    for (let needs = 0; needs <= NEEDS_MAX; needs += 1) {
      const answer = decode(await this.#post({ ask: JSON.stringify(request) }));
      const need = this.#read && answer.data?.need;
      if (!need) return answer;
      await this.#give(...need);
    }
    throw new Refused("time");
  }

  /** Gives it what it needs of the file, no more at once than the page reads. */
  async #give(start, end) {
    for (let at = start; at < end; ) {
      const bytes = await this.#read(at, Math.min(end, at + READ_BYTES_MAX));
      if (!bytes.length) throw new Refused("away");
      const give = { start: at, bytes };
      at += bytes.length;
      await this.#post({ give }, [bytes.buffer]);
    }
  }

  #post(message, transfer = []) {
    if (!this.#worker) return Promise.reject(new Refused(this.#why));
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end("time"), ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#worker.postMessage({ id, ...message }, transfer);
    });
  }

  #hear({ id, answer, refused, broke }) {
    if (broke) return this.#end(broke);
    const { resolve, reject, timer } = this.#waiting.get(id) ?? {};
    this.#waiting.delete(id);
    clearTimeout(timer);
    if (refused) reject?.(new Refused(refused));
    else resolve?.(answer);
  }

  #end(reason) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#why ??= reason;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Refused(reason));
    }
    this.#waiting.clear();
    if (this.#opened) this.#failed(reason);
  }
}

/** An answer as `preview/src/lib.rs` encodes it. */
function decode(message) {
  const length = new DataView(message.buffer, message.byteOffset).getUint32(0, true);
  const data = JSON.parse(new TextDecoder().decode(message.subarray(4, 4 + length)));
  return { data, bytes: message.subarray(4 + length) };
}
