// The page of what has a label: the star, or a tag.
//
// What is in the trash is left out. Rows are read as they are shown, so a label of a hundred
// thousand files costs no more than one of sixty.

import { drawn, iconButton, make, showStar } from "./elements.js";
import { iconOf } from "./icons.js";
import { described, inUse, nodesWith, setLabel, watch } from "./line.js";
import { addressOf, STAR } from "./star.js";
import { textsOf } from "./texts.js";

/** Rows that are shown at once, and then more. */
const ROWS = 60;
/** How long changes of the lists are gathered. */
const GATHER_MS = 150;

const pages = new WeakMap();

/** Shows in a place of the page what has the label that it names. */
export function fills(section) {
  if (!pages.has(section)) pages.set(section, new Page(section));
  pages.get(section).shows(section.dataset.label);
}

class Page {
  #raw;
  #label;
  #most = ROWS;
  #before;
  #timer;

  constructor(section) {
    this.section = section;
    this.title = make("h1");
    const head = make("div", "page-head");
    head.append(this.title);
    this.tags = make("nav", "label-tags");
    this.list = make("ul", "label-list");
    this.list.addEventListener("keydown", (event) => this.#walk(event));
    this.none = make("div", "empty");
    this.more = make("button", "button");
    this.more.type = "button";
    this.more.addEventListener("click", () => {
      this.#most += ROWS;
      this.#read();
    });
    section.append(head, this.tags, this.list, this.none, this.more);
    const unwatch = watch(() => {
      if (!section.isConnected) return unwatch();
      this.#timer ??= setTimeout(() => this.#read(), GATHER_MS);
    });
  }

  /** Shows the label that stands in an address, unless it does already. */
  shows(raw) {
    if (raw === this.#raw) return;
    this.#raw = raw;
    this.#most = ROWS;
    this.#before = undefined;
    this.#label = labelOf(raw);
    this.texts = textsOf(document.documentElement.lang);
    const { texts } = this;
    const title = this.#label ? texts.labelled(this.#label) : texts.starred;
    this.title.textContent = title;
    document.title = `${title} · Offing`;
    this.tags.setAttribute("aria-label", texts.all);
    this.list.setAttribute("aria-label", title);
    this.none.replaceChildren(drawn(this.#label ? "tag" : "star"), make("p", "", this.#label ? texts.noneTagged(this.#label) : texts.noneStarred));
    this.more.textContent = texts.more;
    this.none.hidden = this.more.hidden = true;
    this.list.replaceChildren();
    this.section.setAttribute("aria-busy", "true");
    this.#read();
  }

  async #read() {
    this.#timer = undefined;
    const raw = this.#raw;
    const [all, nodes] = await Promise.all([inUse(), nodesWith(this.#label)]);
    const rows = [];
    // What is in the trash fills no row.
    let at = 0;
    while (rows.length < this.#most && at < nodes.length) {
      rows.push(...(await described(nodes.slice(at, at + ROWS))));
      at += ROWS;
    }
    if (raw !== this.#raw || !this.section.isConnected) return;
    this.section.removeAttribute("aria-busy");
    this.#drawTags(all);
    this.more.hidden = at >= nodes.length;
    this.none.hidden = rows.length > 0;
    const now = JSON.stringify(rows);
    if (now === this.#before) return;
    this.#before = now;
    const focused = this.list.contains(document.activeElement) && document.activeElement.closest("li").dataset.of;
    this.list.replaceChildren(...rows.map((row) => this.#row(row)));
    if (focused) (this.list.querySelector(`[data-of="${focused}"] a`) ?? this.list.querySelector("a"))?.focus();
  }

  #drawTags(all) {
    const links = all.map(([label, count]) => {
      const link = make("a", "tag");
      link.href = addressOf(label);
      if (label === this.#label) link.setAttribute("aria-current", "page");
      link.append(label === STAR ? this.texts.starred : label, make("span", "hint", String(count)));
      link.lastChild.title = this.texts.count(count);
      return link;
    });
    this.tags.replaceChildren(...links);
    this.tags.hidden = !links.length;
  }

  #row({ node, name, kind, path }) {
    const item = make("li", "row-line");
    item.dataset.of = node;
    const link = make("a", "grow");
    link.href = `${base()}${node}`;
    const place = path.map(([, name], at) => name || (at ? this.texts.recovered : this.texts.root)).join(" / ");
    const lines = make("span", "label-lines");
    lines.append(make("span", "label-name", name), make("span", "hint label-place", place));
    link.append(drawn(iconOf(name, kind)), lines);
    const label = this.#label;
    const off = iconButton(label ? "x" : "star", label ? "" : "star", async () => {
      // What comes after it gets the focus that goes.
      const next = item.nextSibling ?? item.previousSibling;
      next?.querySelector("a").focus();
      await setLabel(label, false, [node]);
    });
    if (label) off.setAttribute("aria-label", (off.title = `${this.texts.off(label)}: ${name}`));
    else showStar(off, true, name, this.texts);
    item.append(link, off);
    return item;
  }

  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = [...this.list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    links[at + step]?.focus();
  }
}

/** The label of an address; one that cannot be read is nobody's. */
function labelOf(raw) {
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw;
  }
}

/** Where the addresses of nodes begin. */
function base() {
  const root = document.querySelector(".side a[href^='/v/']").getAttribute("href");
  return root.slice(0, root.lastIndexOf("/") + 1);
}
