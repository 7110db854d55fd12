// What is in an archive: its folders one at a time, a member opened or taken out.

import { Refused } from "../line.js";
import { fill } from "../texts.js";
import { focusable, icon, make } from "./dom.js";
import { Rows } from "./rows.js";

const ROW_PX = 44;
/** Members that are asked for at once. */
const PAGE = 2_000;

export async function archive(shown) {
  const { about, ask } = shown;
  const members = [];
  while (members.length < about.members) {
    const { data } = await ask({ list: { start: members.length, end: members.length + PAGE } });
    if (!data.length) throw new Refused("broken");
    members.push(...data);
  }
  new Browser(shown, treeOf(members));
  focusable(shown.root).focus();
}

/** A folder is `{ name, path, folders: Map, files: [] }`; folders may be told by paths alone. */
function treeOf(members) {
  const top = folder("", "");
  for (const [index, member] of members.entries()) {
    const steps = member.path.split("/").filter((step) => step && step !== ".");
    const isFolder = member.kind === "folder";
    const name = isFolder ? undefined : steps.pop();
    let at = top;
    for (const step of steps) {
      if (!at.folders.has(step)) at.folders.set(step, folder(step, at.path + step + "/"));
      at = at.folders.get(step);
    }
    if (!isFolder) at.files.push({ ...member, name: name ?? member.path, index });
  }
  return top;
}

function folder(name, path) {
  return { name, path, folders: new Map(), files: [] };
}

class Browser {
  #shown;
  #way;
  #head = make("div", { class: "tools" });
  #list = make("div", { class: "list" });
  #note = make("p", { class: "note", role: "status" });
  #names;
  #dates;

  constructor(shown, top) {
    this.#shown = shown;
    this.#way = [top];
    this.#names = new Intl.Collator(shown.language, { numeric: true });
    this.#dates = new Intl.DateTimeFormat(shown.language, { dateStyle: "medium", timeZone: "UTC" });
    shown.root.append(this.#head, this.#note, this.#list);
    this.#draw();
  }

  get #here() {
    return this.#way.at(-1);
  }

  #enter(way) {
    this.#way = way;
    this.#draw();
    this.#list.querySelector("button")?.focus();
  }

  #draw() {
    const { texts, about } = this.#shown;
    const crumbs = this.#way.map((step, place) => {
      const name = step.name || texts.top;
      const last = place === this.#way.length - 1;
      const crumb = last
        ? make("span", { "aria-current": "location" }, name)
        : make("button", { type: "button", class: "quiet", click: () => this.#enter(this.#way.slice(0, place + 1)) }, name);
      return make("li", {}, crumb);
    });
    this.#head.replaceChildren(
      make("nav", { "aria-label": texts.path }, make("ol", {}, ...crumbs)),
      make("span", { class: "soft" }, fill(texts.archiveOf, { count: about.members })),
      make("button", { type: "button", class: "button", click: () => this.#extractAll() }, texts.extract),
    );
    const byName = (a, b) => this.#names.compare(a.name, b.name);
    const rows = [...[...this.#here.folders.values()].sort(byName), ...[...this.#here.files].sort(byName)];
    if (!rows.length) return this.#list.replaceChildren(make("p", { class: "note" }, texts.emptyFolder));
    const draw = (index) => this.#row(rows[index]);
    this.#list.replaceChildren(new Rows({ count: rows.length, height: ROW_PX, draw, label: texts.top }).element);
  }

  #row(row) {
    const { texts, sizeOf } = this.#shown;
    const plain = row.kind === "file";
    const open = (name, act, extra = {}) =>
      make("button", { type: "button", class: "row-name", click: act, ...extra }, icon(row.folders ? "folder" : "file"), make("span", {}, name));
    if (row.folders) return [open(`${row.name}/`, () => this.#enter([...this.#way, row]))];
    return [
      open(row.name, () => this.#try(() => this.#open(row)), { disabled: !plain }),
      row.ms ? make("span", { class: "soft wide" }, this.#dates.format(row.ms)) : undefined,
      make("span", { class: "soft size" }, plain ? sizeOf(row.size) : ""),
      plain
        ? make("button", { type: "button", class: "quiet only", title: fill(texts.extractOne, row), "aria-label": fill(texts.extractOne, row), click: () => this.#try(() => this.#extract([row], "")) }, icon("download"))
        : undefined,
    ].filter(Boolean);
  }

  /** Does something; a member that is refused leaves the rest as it is. */
  async #try(act) {
    const { texts } = this.#shown;
    try {
      this.#say("");
      await act();
    } catch (error) {
      if (error.reason !== "ended") this.#say(texts[error.reason] ?? texts.crash);
    }
  }

  #say(text) {
    this.#note.textContent = text;
  }

  async #member(row) {
    const { bytes } = await this.#shown.ask({ member: { index: row.index } });
    return bytes.slice();
  }

  async #open(row) {
    const bytes = await this.#member(row);
    await this.#shown.line.ask("open", { name: row.name, bytes }, { transfer: [bytes.buffer] });
  }

  #extractAll() {
    const top = this.#way[0];
    const files = [];
    const walk = (at) => {
      files.push(...at.files.filter(({ kind }) => kind === "file"));
      for (const inner of at.folders.values()) walk(inner);
    };
    walk(top);
    // What has one folder at its top needs no other around it.
    const wrapped = top.folders.size === 1 && !top.files.length;
    const stem = this.#shown.name.replace(/(\.tar)?\.[^.]+$/, "");
    return this.#try(() => this.#extract(files, wrapped ? "" : `${stem}/`, true));
  }

  async #extract(rows, prefix, whole = false) {
    const { line, texts } = this.#shown;
    for (const [place, row] of rows.entries()) {
      this.#say(fill(texts.extracting, { done: place + 1, all: rows.length }));
      const bytes = await this.#member(row);
      const path = prefix + (whole ? row.path : row.name);
      await line.ask("extract", { path, bytes }, { transfer: [bytes.buffer] });
    }
    await line.ask("extracted");
    this.#say("");
  }
}
