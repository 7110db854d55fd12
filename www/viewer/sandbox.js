// A frame for one thing that is shown: opaque origin, no network, ended when it misbehaves.
//
// Its document is in `srcdoc`, since no service worker answers for an opaque origin, and so
// has everything in it: one script, which the page's policy knows by its hash. The frame
// inherits that policy and adds its own, under which nothing can be asked of any server.
// What it shows it gets by a port; what it can ask of the page is in `viewer.js`.

import { ANSWER_MS, FRAME_MS } from "./limits.js";
import { Line } from "./line.js";

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
  #channel = new MessageChannel();

  /** Puts a frame into an element; `answers` is what it may ask of the page. */
  constructor(parent, title, answers) {
    this.element = document.createElement("iframe");
    this.element.setAttribute("sandbox", "allow-scripts");
    this.element.setAttribute("referrerpolicy", "no-referrer");
    this.element.setAttribute("allow", "");
    this.element.title = title;
    this.element.srcdoc = policy ? policy.createHTML("") : DOCUMENT;
    this.#line = new Line(this.#channel.port1, answers);
    this.loaded = new Promise((resolve) => this.element.addEventListener("load", resolve, { once: true }));
    parent.append(this.element);
  }

  focus() {
    this.element.focus();
  }

  /** Has it show something; settles when it is shown, or is refused by a code. */
  async show(what, transfer) {
    await this.loaded;
    const port = this.#channel.port2;
    this.element.contentWindow.postMessage("port", "*", [port]);
    await this.#line.ask("show", what, { transfer, withinMs: ANSWER_MS + FRAME_MS });
  }

  /** Ends it and all that runs in it. */
  end() {
    this.#line.end();
    this.element.remove();
  }
}
