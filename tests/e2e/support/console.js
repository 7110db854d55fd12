// What a browser complained about: console errors and warnings, uncaught exceptions and
// violations of the content security policy, from pages, workers and service workers.

/** What Chromium logs by itself when a request finds no server. */
const UNREACHABLE = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|CONNECTION_CLOSED|INTERNET_DISCONNECTED|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED|NETWORK_CHANGED|ABORTED|FAILED)|WebSocket connection to .* failed/;
/** Chromium's own remarks that say nothing about the app. */
const REMARKS = [/was preloaded using link preload but not used/, /integrity.*preload/i];

export class Complaints {
  #lines = [];
  #expected = [];
  #mayBeCutOff = false;

  watch(context) {
    context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.#add(`${message.type()}: ${message.text()} (${message.location().url})`);
      else this.#log(`${message.type()}: ${message.text()}`);
    });
    context.on("weberror", (error) => this.#add(`uncaught: ${error.error().stack ?? error.error()}`));
    const watchWorker = (worker) => worker.on?.("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.#add(`service worker ${message.type()}: ${message.text()}`);
    });
    context.serviceWorkers().forEach(watchWorker);
    context.on("serviceworker", watchWorker);
  }

  /** From now on the network is away, so failed requests are nothing to complain about. */
  cutOff() {
    this.#mayBeCutOff = true;
  }

  /** A test that provokes a refusal says so. */
  expect(pattern) {
    this.#expected.push(pattern);
  }

  list() {
    return this.#lines.filter((line) => !this.#expected.some((pattern) => pattern.test(line)));
  }

  log = [];

  #log(line) {
    this.log.push(`${new Date().toISOString().slice(14, 23)} ${line}`);
  }

  #add(line) {
    this.#log(line);
    if (REMARKS.some((pattern) => pattern.test(line))) return;
    if (this.#mayBeCutOff && UNREACHABLE.test(line)) return;
    this.#lines.push(line);
  }
}
