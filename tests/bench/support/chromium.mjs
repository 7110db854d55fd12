// A bare DevTools driver over a pipe.
//
// It never enables the Network domain: that mirrors request bodies to DevTools and makes
// uploads many times slower, so one would measure the tools. What it can do is only what
// the benchmarks need.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
  "--window-size=1280,800",
  "--remote-debugging-pipe",
];

export class Chromium {
  /** The browsers that were started and not ended yet. */
  static running = new Set();

  #next = 0;
  #pending = new Map();
  #listeners = new Set();
  #rest = "";

  /** Starts a browser on a profile; without one, on a new profile that `end` removes. */
  static async start(profile) {
    const browser = new Chromium();
    browser.profile = profile ?? (await mkdtemp(path.join(tmpdir(), "offing-bench-profile-")));
    const program = process.env.OFFING_CHROMIUM ?? "/usr/bin/chromium";
    browser.child = spawn(program, [...FLAGS, `--user-data-dir=${browser.profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    browser.child.stdio[4].setEncoding("utf8").on("data", (text) => browser.#receive(text));
    // What is asked of a browser that ends is never answered; whoever waits must hear of it.
    for (const stream of [browser.child.stdio[3], browser.child.stdio[4]]) stream.on("error", () => {});
    browser.child.once("exit", () => browser.#fail("the browser ended"));
    Chromium.running.add(browser);
    await browser.send("Browser.getVersion");
    return browser;
  }

  #receive(text) {
    const messages = (this.#rest + text).split("\0");
    this.#rest = messages.pop();
    for (const message of messages.map((one) => JSON.parse(one))) {
      if (!message.id) {
        if (message.method === "Inspector.targetCrashed") this.#fail("the tab crashed", message.sessionId);
        for (const listener of [...this.#listeners]) listener(message);
        continue;
      }
      const { resolve, reject, method } = this.#pending.get(message.id) ?? {};
      if (!this.#pending.delete(message.id)) continue;
      if (message.error) reject(new Error(`${method}: ${message.error.message}`));
      else resolve(message.result);
    }
  }

  #fail(why, sessionId) {
    for (const [id, one] of this.#pending) {
      if (sessionId && one.sessionId !== sessionId) continue;
      this.#pending.delete(id);
      one.reject(new Error(`${one.method}: ${why}`));
    }
  }

  send(method, params = {}, sessionId) {
    const id = (this.#next += 1);
    return new Promise((resolve, reject) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        reject(new Error(`${method}: the browser ended`));
        return;
      }
      this.#pending.set(id, { resolve, reject, method, sessionId });
      this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** The next event of a kind, optionally one that `suits`. */
  event(method, sessionId, suits = () => true) {
    return new Promise((resolve) => {
      const listener = (message) => {
        if (message.method !== method || (sessionId && message.sessionId !== sessionId) || !suits(message.params)) return;
        this.#listeners.delete(listener);
        resolve(message.params);
      };
      this.#listeners.add(listener);
    });
  }

  async page() {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, targetId, sessionId);
    await page.send("Page.enable");
    await page.send("Inspector.enable");
    return page;
  }

  /** Ends the browser; a profile that was given stays. */
  async end({ keep = false } = {}) {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, "exit");
      this.send("Browser.close").catch(() => {});
      const late = setTimeout(() => this.child.kill("SIGKILL"), 5_000);
      await gone;
      clearTimeout(late);
    }
    Chromium.running.delete(this);
    if (!keep) await rm(this.profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

export class Page {
  constructor(browser, targetId, sessionId) {
    Object.assign(this, { browser, targetId, sessionId });
  }

  send(method, params = {}) {
    return this.browser.send(method, params, this.sessionId);
  }

  /** Navigates, and does not wait for more than the answer. */
  async opens(url) {
    const { errorText } = await this.send("Page.navigate", { url });
    if (errorText) throw new Error(`${errorText}: ${url}`);
  }

  /** Runs a function of the page, with one argument that JSON can hold. */
  async run(work, argument) {
    const expression = `(${work})(${JSON.stringify(argument ?? null)})`;
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until a mark was set in this document; returns milliseconds since the navigation began. */
  async mark(name, withinMs = 60_000) {
    return this.run(async ({ name, withinMs }) => {
      const deadline = performance.now() + withinMs;
      for (;;) {
        const [mark] = performance.getEntriesByName(name, "mark");
        if (mark) return mark.startTime;
        if (performance.now() > deadline) throw new Error(`no mark ${name}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }, { name, withinMs });
  }

  /** Picks files of the disk in the file chooser that a button of the page opens. */
  async picks(button, files) {
    await this.send("Page.setInterceptFileChooserDialog", { enabled: true });
    const opened = this.browser.event("Page.fileChooserOpened", this.sessionId);
    await this.run((name) => {
      const named = [...document.querySelectorAll("button")].find((one) => (one.getAttribute("aria-label") ?? one.textContent).trim() === name);
      if (!named) throw new Error(`no button ${name}`);
      named.click();
    }, button);
    const { backendNodeId } = await opened;
    await this.send("DOM.setFileInputFiles", { files, backendNodeId });
  }

  /** Begins to write down what the status pill says, for `settled`. */
  async watchesPill() {
    await this.run(() => {
      const says = () => document.querySelector('[role="status"][aria-label="Sync status"]')?.textContent ?? "";
      globalThis.pillSaid = [];
      const look = () => {
        const text = says();
        if (globalThis.pillSaid.at(-1)?.text !== text) globalThis.pillSaid.push({ at: performance.now(), text });
      };
      globalThis.pillWatch?.disconnect();
      globalThis.pillWatch = new MutationObserver(look);
      globalThis.pillWatch.observe(document.documentElement, { subtree: true, childList: true, characterData: true });
      look();
    });
  }

  /**
   * Waits until the pill, after it has said something else since `watchesPill`, says `text`
   * again, however short that was; returns the page's clock when it did.
   */
  async settled(text, withinMs = 600_000) {
    return this.run(async ({ text, withinMs }) => {
      const deadline = performance.now() + withinMs;
      for (;;) {
        const said = globalThis.pillSaid;
        const moved = said.findIndex((one) => !one.text.includes(text));
        const last = said.at(-1);
        if (moved >= 0 && last.text.includes(text)) return last.at;
        if (performance.now() > deadline) throw new Error(`the pill said ${said.slice(-5).map((one) => one.text).join(", ")}, not ${text}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }, { text, withinMs });
  }

  /** Waits until the status pill says so; returns the page's clock when it did. */
  async pill(text, withinMs = 600_000) {
    return this.run(({ text, withinMs }) => new Promise((resolve, reject) => {
      const says = () => document.querySelector('[role="status"][aria-label="Sync status"]')?.textContent ?? "";
      const watch = new MutationObserver(look);
      const late = setTimeout(() => reject(new Error(`the pill says ${says()}, not ${text}`)), withinMs);
      function look() {
        if (!says().includes(text)) return;
        watch.disconnect();
        clearTimeout(late);
        resolve(performance.now());
      }
      watch.observe(document.documentElement, { subtree: true, childList: true, characterData: true });
      look();
    }), { text, withinMs });
  }

  async close() {
    await this.browser.send("Target.closeTarget", { targetId: this.targetId });
  }
}
