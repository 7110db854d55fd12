// A frame for one thing that is shown: opaque origin, no network, ended when it misbehaves.
//
// Its document is in `srcdoc`, since no service worker answers for an opaque origin, and so
// has everything in it: one script, which the page's policy knows by its hash. The frame
// inherits that policy and adds its own, under which nothing can be asked of any server.
// What it shows it gets by a port; what it can ask of the page is in `viewer.js`.

import { AGAIN_MS, ANSWER_MS, FRAME_MS, WATCH_MS } from "./limits.js";
import { Line, Refused } from "./line.js";

const POLICY =
  `default-src 'none'; script-src '${__FRAME_HASH__}' 'wasm-unsafe-eval'; worker-src blob:; ` +
  "img-src blob: data:; media-src blob:; base-uri 'none'; form-action 'none'";

const DOCUMENT =
  '<!doctype html><html><head><meta charset="utf-8">' +
  `<meta http-equiv="Content-Security-Policy" content="${POLICY}">` +
  '<meta name="color-scheme" content="light dark"></head><body>' +
  `<script>${__FRAME_SCRIPT__}</script></body></html>`;

// It makes this one document and no other.
const policy = globalThis.trustedTypes?.createPolicy("viewer", { createHTML: () => DOCUMENT });

export class Sandbox {
  #line;
  #answers = {};
  #channel = new MessageChannel();
  #isEnded = false;

  /** Puts a frame into an element. */
  constructor(parent) {
    this.element = document.createElement("iframe");
    this.element.setAttribute("sandbox", "allow-scripts");
    this.element.setAttribute("referrerpolicy", "no-referrer");
    this.element.setAttribute("allow", "");
    this.element.srcdoc = policy ? policy.createHTML("") : DOCUMENT;
    this.#line = new Line(this.#channel.port1, this.#answers);
    const there = new Promise((resolve) => this.element.addEventListener("load", resolve, { once: true }));
    this.ready = there.then(() => this.element.contentWindow.postMessage("port", "*", [this.#channel.port2]));
    parent.append(this.element);
  }

  /** Has it start the module with which it opens its file; it is ready then. */
  load({ script, wasm }) {
    const copy = wasm.slice(0);
    const module = { script, wasm: copy };
    this.ready = this.ready.then(() => this.#line.ask("load", module, { transfer: [copy], withinMs: ANSWER_MS + FRAME_MS }));
    return this;
  }

  /**
   * Has it show something under a title; settles when it is shown, with what that answers, or is refused by
   * a code.
   * `answers` is what it may ask of the page.
   */
  async show(what, { title, answers, transfer }) {
    this.element.title = title;
    Object.assign(this.#answers, answers);
    await this.ready;
    // How long it takes to read on says nothing of the frame; each answer of its module has its time.
    const withinMs = what.inPieces ? undefined : ANSWER_MS + FRAME_MS;
    return this.#line.ask("show", what, { transfer, withinMs });
  }

  /**
   * Has it say from time to time that it is alive, and calls `hung()` once it does not: the browser gives
   * it a process of its own, so that the page goes on while one hangs.
   */
  async watch(hung) {
    try {
      await this.ready;
      while (!this.#isEnded) {
        await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
        // Whom nobody sees the browser may have put to sleep.
        if (!document.hidden && !this.#isEnded) await this.#isAlive();
      }
    } catch ({ reason }) {
      if (reason === "time") hung();
    }
  }

  /** A computer that slept lets the time run out before the answer is read, so it is asked again. */
  async #isAlive() {
    const ping = (withinMs) => this.#line.ask("ping", null, { withinMs });
    await ping(FRAME_MS).catch(({ reason }) => {
      if (reason !== "time") throw new Refused(reason);
      return ping(AGAIN_MS);
    });
  }

  focus() {
    this.element.focus();
  }

  /** Ends it and all that runs in it. */
  end() {
    this.#isEnded = true;
    this.#line.end();
    this.element.remove();
  }
}
