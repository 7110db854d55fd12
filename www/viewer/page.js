// An HTML text that somebody writes, as a page beside it: in a sandbox of its own, which is kept while the
// text changes.

import { localeOf } from "../boot/locale.js";
import { Leads } from "./leads.js";
import { Sandbox } from "./sandbox.js";
import { fill, textsOf } from "./texts.js";

export class Page {
  #parent;
  #name;
  #texts = textsOf(document.documentElement.lang);
  #sandbox = null;
  #leads;
  #ended = false;

  /** Fills an element, once there is a text. */
  constructor(parent, name) {
    this.#parent = parent;
    this.#name = name;
    this.#leads = new Leads(parent, this.#texts, () => this.#sandbox?.focus());
  }

  /** Shows a text in the place of the one before; where that cannot be, it says why. */
  async show(html) {
    if (this.#ended) return;
    if (!this.#sandbox) {
      this.#parent.replaceChildren();
      this.#sandbox = new Sandbox(this.#parent);
      this.#sandbox.watch(() => this.#tell("time"));
    }
    this.#leads.close();
    const { lang } = document.documentElement;
    const what = { view: "page", name: this.#name, size: html.length, html, language: localeOf(lang), texts: this.#texts };
    const answers = { leads: ({ address }) => this.#leads.tell(String(address)), key: () => {} };
    try {
      await this.#sandbox.show(what, { title: fill(this.#texts.content, { name: this.#name }), answers });
    } catch ({ reason }) {
      if (reason !== "ended") this.#tell(reason);
    }
  }

  /** Says why there is none; the next text is shown again. */
  #tell(reason) {
    if (this.#ended) return;
    this.#sandbox?.end();
    this.#sandbox = null;
    const said = document.createElement("p");
    said.setAttribute("role", "alert");
    said.textContent = this.#texts[reason] ?? this.#texts.crash;
    this.#parent.replaceChildren(said);
  }

  end() {
    this.#ended = true;
    this.#leads.close();
    this.#sandbox?.end();
  }
}
