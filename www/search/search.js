// The search box: names that fit at once, and below them texts that have the words.
//
// Names are the engine's to find; those with a slip in them, and what is in the texts, are found by
// the searcher, a worker that is started here (`line.js`) and reads while nobody types. Nothing of it leaves the
// device. Whatever a file says becomes text nodes and nothing else.

import { drawn, make } from "../labels/elements.js";
import { iconOf } from "../labels/icons.js";
import { described, inUse, nodesWith } from "../labels/line.js";
import { fold, STAR } from "../labels/star.js";
import { FileSource } from "../viewer/source.js";
import { CONTENT, FOLDER, INDEX, NAMES } from "./asks.js";
import { parted } from "./filters.js";
import { hasWords, KINDS, kindOf } from "./kinds.js";
import { Line } from "./line.js";
import { rankOf } from "./rank.js";
import { textsOf } from "./texts.js";

/** How long typing pauses before a search begins. */
const TYPED_MS = 120;
/** How often the searcher is told that somebody types, and looks again for what is new. */
const REST_MS = 500;
const LOOK_MS = 10 * 60 * 1000;
/** What is read of a file. */
const CONTENT_BYTES_MAX = 16 * 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Sizes to choose from: at least, and less than so many bytes. */
const SIZES = { any: [0, Infinity], small: [0, 100e3], medium: [100e3, 1e6], large: [1e6, Infinity] };

/** Documents whose snippets are shown: each is read by its module anew. */
const DOCUMENTS_MAX = 6;
/** Names that are looked at where labels are wanted; as many as the engine finds. */
const NAMES_MAX = 512;

const boxes = new WeakMap();

/** Makes the box of this region work, if it does not yet. */
export function searches(region, ask) {
  if (!boxes.has(region)) boxes.set(region, new Box(region, ask));
}

class Box {
  #line = null;
  #opening = null;
  #base = "";
  #root = "";
  #number = 0;
  #timer = 0;
  #rested = 0;
  #progress = [0, 0];
  /** The names that are shown, as `[rank, item]`. */
  #ranked = [];
  /** The words, and what has the labels, of the last search. */
  #wanted = [""];

  constructor(region, ask) {
    this.region = region;
    this.ask = ask;
    this.input = region.querySelector("input");
    this.texts = textsOf(document.documentElement.lang);
    this.#make();
    this.input.addEventListener("input", () => this.#typed());
    region.addEventListener("keydown", (event) => this.#key(event));
    const rests = () => this.#rests();
    document.addEventListener("keydown", rests);
    const looks = setInterval(() => document.hidden || this.#look(), LOOK_MS);
    const watch = new MutationObserver(() => {
      if (region.isConnected) return;
      watch.disconnect();
      clearInterval(looks);
      document.removeEventListener("keydown", rests);
      this.#line?.end();
    });
    watch.observe(document.body, { childList: true, subtree: true });
    if (this.input.value) this.#typed();
    else this.#look();
  }

  #make() {
    const { texts } = this;
    this.names = make("ul");
    this.found = make("ul", "search-texts");
    this.folder = choice(texts.place, [["", texts.everywhere], ["here", texts.here]]);
    this.since = choice(texts.changed, [["0", texts.any], ["7", texts.week], ["31", texts.month], ["366", texts.year]]);
    this.kind = choice(texts.kind, [["", texts.anyKind], ...KINDS.map((kind) => [kind, texts.kinds[kind]])]);
    const sizes = Object.keys(SIZES).slice(1);
    this.size = choice(texts.size, [["any", texts.anySize], ...sizes.map((size) => [size, texts[size]])]);
    this.label = choice(texts.label, [["any", texts.anyLabel]]);
    const filters = [this.kind, this.label, this.folder, this.since, this.size];
    for (const filter of filters) filter.addEventListener("change", () => this.#find());
    this.state = make("p", "hint search-none");
    this.said = make("p", "visually-hidden");
    this.said.setAttribute("role", "status");
    const head = make("div", "search-head");
    head.append(make("h2", "", texts.inContents), ...filters);
    this.hits = make("div", "search-hits scroll");
    this.hits.setAttribute("role", "region");
    this.hits.setAttribute("aria-label", texts.results);
    this.hits.hidden = true;
    this.hits.append(this.names, head, this.found, this.state);
    this.hits.addEventListener("click", (event) => event.target.closest("a") && this.#close());
    this.region.append(this.hits, this.said);
  }

  #typed() {
    clearTimeout(this.#timer);
    if (!this.input.value.trim()) return this.#close();
    this.#timer = setTimeout(() => this.#find(), TYPED_MS);
  }

  async #find() {
    const number = ++this.#number;
    const { words, labels } = parted(this.input.value);
    // What was changed since the list was open last is looked at once.
    const looked = this.hits.hidden ? Promise.all([this.#look(), this.#offerLabels()]) : null;
    const within = await this.#within(labels);
    const all = within ? await this.#namesWithin(within, words) : await this.ask(NAMES, words);
    if (number !== this.#number || !all) return;
    this.#showNames(all, words);
    this.hits.hidden = false;
    await looked;
    await this.#addNames(number, words, within, new Set(all.map(([address]) => address)));
    if (number !== this.#number) return;
    this.#wanted = [words, within];
    await this.#findTexts(number, this.#ranked.length);
  }

  #showNames(names, words) {
    const ranked = this.#ofKind(names).map((name) => [rankOf(name[2], words), line(...name)]);
    this.#ranked = ranked.sort(([one], [other]) => one - other);
    this.names.replaceChildren(...ranked.map(([, item]) => item));
  }

  /** Puts names that the searcher finds beside these to where they belong; a link with the focus stays where it is. */
  async #addNames(number, words, within, shown) {
    const found = (await this.#line?.ask("names", words, within && [...within])) ?? [];
    if (number !== this.#number) return;
    const names = found.map(([node, name, path, kind]) => [this.#base + node, iconOf(name, kind), name, [this.#root, ...path].join(" / ")]);
    for (const name of this.#ofKind(names.filter(([address]) => !shown.has(address)))) {
      const [rank, item] = [rankOf(name[2], words), line(...name)];
      const next = this.#ranked.findIndex(([other]) => other > rank);
      const at = next < 0 ? this.#ranked.length : next;
      this.names.insertBefore(item, this.#ranked[at]?.[1] ?? null);
      this.#ranked.splice(at, 0, [rank, item]);
    }
    if (!this.#ranked.length) this.names.replaceChildren(make("li", "hint search-none", this.texts.noNames));
  }

  #ofKind(names) {
    return names.filter(([, icon, name]) => !this.kind.value || kindOf(icon, name) === this.kind.value);
  }

  /** What has all labels that are typed and chosen; `undefined` where none is wanted. */
  async #within(typed) {
    const chosen = this.label.value === "any" ? [] : [this.label.value];
    const wanted = [...typed, ...chosen];
    if (!wanted.length) return undefined;
    const used = (await inUse()).map(([label]) => label);
    const sets = await Promise.all(
      wanted.map(async (label) => {
        // Several spellings of a tag are one for whoever searches.
        const meant = used.filter((other) => (label === STAR ? other === STAR : fold(other) === fold(label)));
        return new Set((await Promise.all(meant.map(nodesWith))).flat());
      }),
    );
    return sets.reduce((all, set) => new Set([...all].filter((node) => set.has(node))));
  }

  /** The names that fit, of these nodes. */
  async #namesWithin(nodes, query) {
    const words = fold(query).split(/\s+/);
    const fits = ({ name }) => words.every((word) => fold(name).includes(word));
    const found = (await described([...nodes].slice(0, NAMES_MAX))).filter(fits);
    return found.map(({ node, name, kind, path }) => {
      const place = path.map(([, name]) => name || this.#root).join(" / ");
      return [this.#base + node, iconOf(name, kind), name, place];
    });
  }

  /** Offers the labels that are in use now. */
  async #offerLabels() {
    const { value } = this.label;
    const all = (await inUse()).map(([label]) => [label, label === STAR ? this.texts.starred : label]);
    const options = [["any", this.texts.anyLabel], ...all].map(([value, text]) => new Option(text, value));
    this.label.replaceChildren(...options);
    this.label.value = options.some((option) => option.value === value) ? value : "any";
  }

  async #findTexts(number, names) {
    const [query, within] = this.#wanted;
    const found = hasWords(this.kind.value) ? await this.#line?.ask("find", query, await this.#filter(within)) : [];
    if (number !== this.#number || !found) return;
    const items = found.map((hit) => this.#text(...hit));
    this.found.replaceChildren(...items);
    this.none = !found.length;
    this.#tell();
    this.said.textContent = this.texts.found(names, found.length);
    const documents = found.flatMap(([node, name, , , isDocument], at) => (isDocument ? [[items[at], node, name]] : []));
    for (const [item, node, name] of documents.slice(0, DOCUMENTS_MAX)) {
      const snippet = await this.#line?.ask("snippet", node, name);
      // Something else was typed meanwhile, or more was found.
      if (!item.isConnected) return;
      this.#addSnippet(item.firstChild, snippet ?? []);
    }
  }

  /** What is wanted beside the words, as the searcher takes it. */
  async #filter(within) {
    const folder = this.folder.value ? await this.ask(FOLDER) : undefined;
    const days = Number(this.since.value);
    return [folder, days ? Date.now() - days * DAY_MS : 0, this.kind.value, ...SIZES[this.size.value], within && [...within]];
  }

  #text(node, name, path, snippet) {
    const item = line(this.#base + node, iconOf(name), name, [this.#root, ...path].join(" / "));
    item.firstChild.classList.add("search-text");
    this.#addSnippet(item.firstChild, snippet);
    return item;
  }

  #addSnippet(link, snippet) {
    if (!snippet.length) return;
    const piece = make("span", "search-snippet");
    for (const [text, marked] of snippet) piece.append(marked ? make("mark", "", text) : text);
    link.append(piece);
  }

  /** Says how much of what there is was searched. */
  #tell() {
    const [read, all, reads] = this.#progress;
    const lines = [this.none && this.texts.noContents];
    if (read < all) lines.push(reads ? this.texts.reading(read, all) : this.texts.away(all - read));
    this.state.textContent = lines.filter(Boolean).join(" · ");
  }

  /** Has the searcher look what is new, starting it where there is none. */
  async #look() {
    if (!this.#line || this.#line.ended) await (this.#opening ??= this.#open());
    this.#opening = null;
    await this.#line?.ask("look");
  }

  async #open() {
    const [port, root, name] = (await this.ask(INDEX)) ?? [];
    if (!port || !this.region.isConnected) return;
    this.#base = root.slice(0, root.lastIndexOf("/") + 1);
    this.#root = name;
    this.#line = new Line(port, (...progress) => this.#told(progress), {
      read: (node) => this.#read(node),
      // The viewer has the keeper of modules and the sandbox.
      text: async (name, bytes) => (await import(document.documentElement.dataset.viewer)).textOf(name, bytes),
    });
  }

  /** The content of a file, as much as the index takes of any. */
  async #read(node) {
    const [size, port] = (await this.ask(CONTENT, node)) ?? [];
    if (!port) return undefined;
    const source = new FileSource({ name: "", size, port });
    return source.read(0, CONTENT_BYTES_MAX).finally(() => source.end());
  }

  #told(progress) {
    const more = progress[0] !== this.#progress[0];
    this.#progress = progress;
    if (this.hits.hidden) return;
    this.#tell();
    // What was read meanwhile may have the words too.
    if (more && progress[3]) this.#findTexts(this.#number, this.#ranked.length);
  }

  #rests() {
    if (performance.now() - this.#rested < REST_MS) return;
    this.#rested = performance.now();
    if (!this.region.contains(document.activeElement)) this.#line?.ask("rest");
  }

  #key(event) {
    const links = [...this.hits.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      this.#close();
      document.querySelector("[role=grid] [tabindex='0']")?.focus();
    } else if (event.key === "Enter" && document.activeElement === this.input) {
      links[0]?.click();
    } else if (step && !event.target.closest("select") && (at >= 0 || step > 0)) {
      event.preventDefault();
      (links[at + step] ?? (at + step < 0 ? this.input : links.at(-1)))?.focus();
    }
  }

  #close() {
    this.#number++;
    clearTimeout(this.#timer);
    this.input.value = "";
    this.hits.hidden = true;
    this.said.textContent = "";
  }
}

/** A link to what was found. */
function line(address, icon, name, place) {
  const item = make("li");
  const link = make("a", "row-line");
  link.href = address;
  link.append(drawn(icon), make("span", "grow", name), make("span", "hint", place));
  item.append(link);
  return item;
}

function choice(name, options) {
  const select = make("select", "search-filter");
  select.setAttribute("aria-label", name);
  for (const [value, text] of options) select.append(Object.assign(make("option", "", text), { value }));
  return select;
}
