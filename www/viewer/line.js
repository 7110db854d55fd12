// Questions and answers over a `MessagePort`: between the viewer and the frame.
//
// Messages, plain data all: `{ ask, id, value }`, `{ answer: id, value }`, and
// `{ refuse: id, reason }` with a code. Whoever listens gives a function for each question
// that it answers; it may return a promise, and throws a `Refused` to refuse.

/** A question was refused, for a reason that `texts.js` has a sentence for. */
export class Refused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** A value with what is handed over, not copied. */
export class Handed {
  constructor(value, transfer) {
    this.value = value;
    this.transfer = transfer;
  }
}

export class Line {
  #port;
  #answers;
  #waiting = new Map();
  #last = 0;

  /**
   * @param {MessagePort} port
   * @param {Record<string, (value: any) => any>} answers
   */
  constructor(port, answers) {
    this.#port = port;
    this.#answers = answers;
    port.onmessage = ({ data }) => this.#hear(data);
  }

  /** Asks, and waits at most so long. */
  ask(ask, value, { transfer = [], withinMs } = {}) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = withinMs && setTimeout(() => this.#settle(id)?.reject(new Refused("time")), withinMs);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#port.postMessage({ ask, id, value }, transfer);
    });
  }

  /** Ends it; what waits is refused. */
  end() {
    this.#port.close();
    for (const id of [...this.#waiting.keys()]) this.#settle(id).reject(new Refused("ended"));
  }

  #settle(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  async #hear(data) {
    if (data.answer) return this.#settle(data.answer)?.resolve(data.value);
    if (data.refuse) return this.#settle(data.refuse)?.reject(new Refused(String(data.reason)));
    const { ask, id, value } = data;
    try {
      if (!Object.hasOwn(this.#answers, ask)) throw new Refused("unknown");
      const given = await this.#answers[ask](value);
      if (given instanceof Handed) this.#port.postMessage({ answer: id, value: given.value }, given.transfer);
      else this.#port.postMessage({ answer: id, value: given });
    } catch (error) {
      if (!(error instanceof Refused)) console.info(String(error));
      this.#port.postMessage({ refuse: id, reason: error.reason ?? "crash" });
    }
  }
}
