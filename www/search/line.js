// The line to the searcher, a worker without key and network (`boot/searcher.js`).

/** How long an answer may take; a vault of 100,000 files is told in some seconds. */
const ANSWER_MS = 60_000;

export class Line {
  #worker;
  #waiting = new Map();
  #last = 0;

  /**
   * Starts the worker; `told` hears how many files are read, and of how many, and `answers` has
   * a function for each thing that the worker asks.
   */
  constructor(port, told, answers) {
    this.#worker = new Worker(document.documentElement.dataset.searcher, { type: "module", name: "searcher" });
    this.#worker.onmessage = ({ data: [id, ...about] }) => {
      if (id < 0) return this.#answer(id, answers[about[0]](...about.slice(1)));
      if (!id) return told(...about);
      this.#waiting.get(id)?.(about[0]);
      this.#waiting.delete(id);
    };
    this.#worker.onerror = () => this.end();
    this.#worker.postMessage([0, "start"], [port]);
  }

  get ended() {
    return !this.#worker;
  }

  /** Asks the searcher; `undefined` where it broke down or takes too long. */
  ask(what, ...about) {
    if (this.ended) return Promise.resolve();
    const id = ++this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      setTimeout(resolve, ANSWER_MS);
      this.#worker.postMessage([id, what, ...about]);
    });
  }

  /** What fails is something that cannot be told now. */
  async #answer(id, answer) {
    this.#worker?.postMessage([id, await answer.catch(() => undefined)]);
  }

  end() {
    this.#worker?.terminate();
    this.#worker = null;
    for (const resolve of this.#waiting.values()) resolve();
    this.#waiting.clear();
  }
}
