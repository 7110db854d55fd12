// A document or a book: its blocks, a piece at a time, and its contents beside them.
//
// A link that stays in the file leads to its place; of another the page is told, if it is of the web
// (`leads.js`). What that, a note or a change says is told in a line below the text, when somebody points at it.

import { fill } from "../texts.js";
import { Contents } from "./contents.js";
import { make, quietly } from "./dom.js";

/** Blocks that are drawn before somebody scrolls there, so that the browser finds words in them. */
const AHEAD = 20_000;
/** How high a block is, about, until it is laid out. */
const BLOCK_PX = 48;
/** How long somebody stays at a place before it is kept. */
const KEEP_MS = 500;
/** The elements that the bits of a look are. */
const LOOKS = ["b", "i", "u", "s", "sup", "sub", "code"];

export async function docx(shown) {
  await new View(shown).start();
}

/** A book is opened where it was left. */
export async function epub(shown) {
  let timer;
  const keep = (block) => {
    clearTimeout(timer);
    timer = setTimeout(() => shown.line.ask("place", { block }), KEEP_MS);
  };
  await new View(shown, keep).start(shown.at);
}

class View {
  #shown;
  #text = make("div", { class: "document-text" });
  #scroll;
  #said = make("div", { class: "document-said", role: "status", hidden: true });
  #pinned = false;
  #contents;
  #pictures = new Map();
  #sight;
  /** The next block, the end of those that can be had, and the reading that is under way. */
  #at = 0;
  #end;
  #reading = Promise.resolve();
  /** The rows of the table that may go on. */
  #rows = null;
  #keep;

  /** `keep(block)` hears which block is at the top, as somebody reads on. */
  constructor(shown, keep) {
    this.#shown = shown;
    this.#keep = keep;
    this.#end = shown.about.blocks;
    const { root, name, about, texts } = shown;
    this.#scroll = make("div", { class: "document-scroll text-scroll", tabindex: "0", role: "document", "aria-label": name }, this.#text);
    this.#contents = new Contents({ texts, go: (block) => this.#go(block) });
    this.#sight = new IntersectionObserver((seen) => this.#see(seen), { root: this.#scroll, rootMargin: "400px" });
    if (about.rtl) this.#text.dir = "rtl";
    const whose = about.title && [make("b", {}, about.title), ...about.authors.map((author) => make("span", {}, author))];
    if (whose || about.outline.length > 1) {
      root.append(make("div", { class: "tools" }, this.#contents.button, whose && make("div", { class: "document-whose", dir: "auto" }, ...whose)));
    }
    root.append(make("div", { class: "contents-body" }, this.#contents.element, this.#scroll, this.#said));
    for (const event of ["pointerover", "pointerdown", "focusin"]) this.#scroll.addEventListener(event, (pointed) => this.#point(pointed));
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#scroll.addEventListener("click", ({ target }) => this.#follow(target));
    this.#scroll.addEventListener("keydown", ({ key, target }) => key === "Enter" && this.#follow(target));
  }

  async start(at = 0) {
    const { about, texts } = this.#shown;
    if (!about.blocks) return this.#text.append(make("p", { class: "note" }, texts.empty));
    if (about.outline.length > 1) this.#contents.fill(about.outline.map(({ title, level, block }) => ({ title, depth: level - 1, place: block })));
    quietly(this.#scroll);
    await this.#go(Math.min(at, about.blocks - 1));
    this.#ahead();
  }

  /** Draws on while there is nothing else to do. */
  async #ahead() {
    while (this.#at < Math.min(this.#end, AHEAD)) {
      await new Promise((resolve) => requestIdleCallback(resolve, { timeout: 1000 }));
      await this.#until(this.#at);
    }
    this.#scrolled();
  }

  /** Draws up to a block, one piece after the other. */
  #until(block) {
    this.#reading = this.#reading.then(async () => {
      while (this.#at <= block && this.#at < this.#end) await this.#more();
    });
    return this.#reading;
  }

  async #more() {
    const { about, ask, texts } = this.#shown;
    const { data } = await ask({ blocks: { start: this.#at } }).catch((error) => {
      if (!this.#at) throw error;
      return { data: [] };
    });
    const isCut = !data.length || about.cut;
    if (!data.length) this.#end = this.#at;
    const piece = make("section", { class: "document-piece" });
    piece.style.containIntrinsicBlockSize = `auto ${data.length * BLOCK_PX}px`;
    data.forEach((block, index) => {
      if (this.#at + index === about.notes) piece.append(make("hr"));
      if (block.table?.more && this.#rows) return this.#rows.append(...this.#rowsOf(block.table.rows));
      const element = this.#drawn(block);
      element.dataset.block = String(this.#at + index);
      if (block.table) this.#rows = element.firstChild;
      piece.append(element);
    });
    this.#text.append(piece);
    this.#at += data.length;
    if (this.#at >= this.#end && isCut) this.#text.append(make("p", { class: "note" }, texts.more));
  }

  async #go(block) {
    await this.#until(block);
    if (block) this.#text.querySelector(`[data-block="${block}"]`)?.scrollIntoView();
    else this.#scroll.scrollTop = 0;
    this.#scroll.focus({ preventScroll: true });
    this.#contents.mark(block);
  }

  /** Goes where a link of the file leads, or has the page say that. */
  async #follow(target) {
    const { link } = target.closest("[data-link]")?.dataset ?? {};
    if (link === undefined) return;
    const leads = this.#shown.about.links[link];
    if (typeof leads === "number") return this.#go(leads);
    if (await this.#shown.line.ask("leads", { address: leads })) this.#say();
  }

  #scrolled() {
    const { top, left, width } = this.#scroll.getBoundingClientRect();
    const here = document.elementFromPoint(left + width / 2, top + 24)?.closest("[data-block]");
    if (here) {
      const block = Number(here.dataset.block);
      this.#contents.mark(block);
      this.#keep?.(block);
    }
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    if (scrollHeight - scrollTop < clientHeight * 3) this.#until(this.#at);
  }

  #drawn({ text, table }) {
    if (table) return make("table", {}, make("tbody", {}, ...this.#rowsOf(table.rows)));
    const { heading, item, note, quote, align, spans } = text;
    const line = make(heading ? `h${heading}` : "p", { dir: "auto", class: align && `document-${align}` }, ...spans.map((span) => this.#span(span)));
    if (quote) line.style.setProperty("--quotes", quote);
    if (note !== undefined) return make("div", { class: "document-item document-note" }, make("span", {}, note), line);
    if (!item) return line;
    const [depth, mark] = item;
    if (heading) line.prepend(`${mark} `);
    if (heading) return line;
    const element = make("div", { class: "document-item" }, make("span", {}, mark), line);
    element.style.setProperty("--depth", String(depth));
    return element;
  }

  #rowsOf(rows) {
    return rows.map(({ head, cells }) => {
      const cell = ({ columns, rows, blocks }) => {
        const spans = { colspan: columns > 1 && String(columns), rowspan: rows > 1 && String(rows), scope: head && "col" };
        return make(head ? "th" : "td", spans, ...blocks.map((block) => this.#drawn(block)));
      };
      return make("tr", {}, ...cells.map(cell));
    });
  }

  #span({ text, picture, note, missing }) {
    const { about, texts } = this.#shown;
    if (picture) return this.#picture(picture);
    if (note !== undefined) return make("sup", {}, make("button", { type: "button", class: "document-ref", "data-note": String(note.index) }, note.mark));
    if (missing) return make("span", { class: "document-missing" }, texts[missing]);
    let element = document.createTextNode(text.text);
    LOOKS.forEach((tag, bit) => {
      if ((text.look ?? 0) & (1 << bit)) element = make(tag, {}, element);
    });
    const leads = typeof about.links[text.link] === "number" ? "document-link inside" : "document-link";
    if (text.link !== undefined) element = make("span", { class: leads, role: "link", tabindex: "0", "data-link": String(text.link) }, element);
    if (text.change === undefined) return element;
    return make(about.changes[text.change].deleted ? "del" : "ins", { "data-change": String(text.change) }, element);
  }

  #picture({ index, alt, width, height }) {
    const image = make("img", { alt, width: width > 0 && String(width), height: height > 0 && String(height) });
    image.dataset.picture = String(index);
    this.#sight.observe(image);
    return image;
  }

  /** Unpacks pictures that come into sight; each file has an address of this frame's own. */
  #see(seen) {
    const { ask, texts } = this.#shown;
    for (const { target: image, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      this.#sight.unobserve(image);
      const index = Number(image.dataset.picture);
      if (!this.#pictures.has(index)) {
        const unpacked = ask({ picture: { index } });
        this.#pictures.set(index, unpacked.then(({ data, bytes }) => URL.createObjectURL(new Blob([bytes], { type: data }))));
      }
      const missing = () => image.replaceWith(make("span", { class: "document-missing" }, image.alt ? `${texts.noPicture} ${image.alt}` : texts.noPicture));
      image.addEventListener("error", missing, { once: true });
      this.#pictures.get(index).then((address) => (image.src = address), missing);
    }
  }

  /** Says what is pointed at; what was clicked stays until something else is. */
  #point({ type, target }) {
    if (type === "pointerover" && this.#pinned) return;
    const pointed = target.closest("[data-link], [data-note], [data-change]");
    // One that can be followed need not say where it leads.
    const on = typeof this.#shown.about.links[pointed?.dataset.link] === "number" ? null : pointed;
    // A click gives the focus to what is around, too.
    if (type === "focusin" && !on) return;
    this.#pinned = type !== "pointerover" && Boolean(on);
    this.#say(on?.dataset);
  }

  /** What somebody did to the text, as far as it is said who and when. */
  #changed({ deleted, by, on }) {
    const { texts } = this.#shown;
    const said = { by: by && fill(texts.changedBy, { by }), on: on && fill(texts.changedOn, { on }) };
    return fill(deleted ? texts.deleted : texts.inserted, said);
  }

  async #say(of) {
    const { about, ask, texts } = this.#shown;
    this.#said.hidden = !of;
    if (!of) return;
    if (of.link) return this.#said.replaceChildren(make("span", {}, texts.leadsTo), make("b", {}, about.links[of.link]));
    if (of.change) return this.#said.replaceChildren(this.#changed(about.changes[of.change]));
    const { data } = await ask({ note: { index: Number(of.note) } });
    if (!this.#said.hidden) this.#said.replaceChildren(...data.map((block) => this.#drawn(block)));
    if (!data.length) this.#said.hidden = true;
  }
}
