// What shows a PDF: a bar of controls, the pages, the table of contents, small pictures, finding.
//
// Nothing of the file becomes markup: texts are texts, drawings are pixels. A link leads to a page, or
// the page is told its address (`leads.js`).

import { saidOf } from "../said.js";
import { Contents } from "./contents.js";
import { make, quietly, sign } from "./dom.js";
import { Finder } from "./finder.js";
import { Pages } from "./pdf/pages.js";
import { Strip } from "./pdf/strip.js";

export async function pdf(shown) {
  const { root, ask, texts } = shown;
  let state = shown.about;
  const protection = state === "locked" && texts.password;
  for (let tries = 0; state === "locked"; tries += 1) {
    const password = await askPassword(root, texts, tries > 0);
    state = (await ask({ unlock: { password } })).data;
  }
  new View(shown, { ...state.open, protection });
}

/** Settles when a password is given. A sandbox submits no forms, so it is none. */
function askPassword(root, texts, again) {
  return new Promise((resolve) => {
    const give = () => {
      if (!input.value) return;
      root.replaceChildren();
      resolve(input.value);
    };
    const keydown = ({ key }) => key === "Enter" && give();
    const input = make("input", { class: "input", type: "password", autocomplete: "off", keydown });
    const asked = make(
      "div",
      { class: "pdf-password" },
      make("p", { role: again ? "alert" : "status" }, again ? texts.passwordWrong : texts.locked),
      make("label", {}, make("span", {}, texts.password), input),
      make("button", { type: "button", class: "button primary", click: give }, texts.unlock),
    );
    root.replaceChildren(asked);
    input.focus();
  });
}

class View {
  #shown;
  #pages;
  #finder;
  #number;
  #contents;
  #strip;
  #zoom = make("output", { class: "soft pdf-zoom" });

  constructor(shown, overview) {
    this.#shown = shown;
    const { root, ask, texts, line } = shown;
    // A module that breaks down is reported by its parser.
    const failed = ({ reason }) => line.ask("failed", { reason: reason ?? "crash" });
    const heard = (now) => this.#hear(now);
    const leads = (address) => line.ask("leads", { address });
    this.#pages = new Pages({ sizes: overview.pages, ask, texts, heard, leads, failed });
    this.#finder = new Finder({ of: this.#pages, texts, failed });
    this.#contents = new Contents({ texts, go: (page) => this.#follow(page), opens: () => this.#strip.close() });
    this.#strip = new Strip({
      sizes: overview.pages,
      ask,
      texts,
      go: (page) => this.#pages.goTo(page),
      wakes: () => this.#pages.wake(),
      opens: () => this.#contents.close(),
    });
    root.append(
      this.#bar(overview),
      this.#finder.element,
      make("div", { class: "contents-body" }, this.#contents.element, this.#strip.element, this.#pages.element),
    );
    root.addEventListener("keydown", (event) => this.#key(event));
    this.#pages.afterwards(() => this.#strip.next());
    this.#pages.fit();
    quietly(this.#pages.element).focus();
    ask("outline").then(({ data }) => this.#list(data), failed);
  }

  #bar(overview) {
    const { texts } = this.#shown;
    const tool = (sign, label, click, wide = "") =>
      make("button", { type: "button", class: `quiet only${wide}`, "aria-label": label, title: label, click }, sign);
    const change = () => {
      const wanted = Number.parseInt(this.#number.value, 10);
      if (wanted) this.#pages.goTo(wanted - 1);
      this.#number.value = String(this.#pages.current + 1);
      this.#pages.element.focus();
    };
    this.#number = make("input", {
      class: "input pdf-number",
      inputmode: "numeric",
      autocomplete: "off",
      "aria-label": texts.page,
      change,
    });
    return make(
      "div",
      { class: "tools", role: "toolbar", "aria-label": texts.pdfTools },
      this.#contents.button,
      this.#strip.button,
      make("span", { class: "pdf-group" }, this.#number, make("span", { class: "soft" }, `/ ${overview.pages.length}`)),
      make(
        "span",
        { class: "pdf-group" },
        tool("−", texts.zoomOut, () => this.#pages.zoomBy(-1), " wide"),
        this.#zoom,
        tool("+", texts.zoomIn, () => this.#pages.zoomBy(1), " wide"),
        tool("↔", texts.fitWidth, () => this.#pages.fit()),
      ),
      make("button", { type: "button", class: "quiet only", "aria-label": texts.find, title: texts.find, click: () => this.#finder.open() }, ...sign("find", texts.find)),
      this.#about(overview),
    );
  }

  /** What the file says of itself, behind a button. */
  #about(overview) {
    const { texts } = this.#shown;
    const said = saidOf(overview, texts, overview.protection);
    const lines = said.flatMap(([name, value]) => [make("dt", {}, name), make("dd", { dir: "auto" }, value)]);
    return make(
      "details",
      { class: "pdf-about" },
      make("summary", { class: "quiet" }, texts.about),
      make("dl", {}, ...lines),
    );
  }

  /** Fills the table of contents, if the file has one. */
  #list(items) {
    this.#contents.fill(items.map(({ title, depth, page }) => ({ title, depth, place: page })));
    this.#contents.mark(this.#pages.current);
  }

  #follow(page) {
    this.#pages.goTo(page);
    this.#pages.element.focus();
  }

  #hear({ page, zoom }) {
    if (document.activeElement !== this.#number) this.#number.value = String(page + 1);
    this.#strip.mark(page);
    if (zoom) this.#zoom.textContent = `${Math.round(zoom * 100)} %`;
    this.#contents.mark(page);
  }

  #key(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    const acts = {
      f: () => this.#finder.open(),
      "+": () => this.#pages.zoomBy(1),
      "=": () => this.#pages.zoomBy(1),
      "-": () => this.#pages.zoomBy(-1),
      0: () => this.#pages.fit(),
    };
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
