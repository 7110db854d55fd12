// The preview of a file: what it is, how it is shown, and what is said where it is not.
//
// The page calls `mount`. What is drawn is drawn inside of a sandbox (`sandbox.js`), by a
// parser that was verified (`modules.js`); what browsers decode by themselves is drawn in the
// page (`media.js`). Whatever fails there is thrown away,
// the person is told why, and text, hex and download are offered.

import { localeOf } from "../boot/locale.js";
import { FORMATS, formatOf, HEX, TEXT } from "./formats.js";
import { EXTRACT_BYTES_MAX, HEAD_BYTES } from "./limits.js";
import { Leads } from "./leads.js";
import { Handed, Refused } from "./line.js";
import * as modules from "./modules.js";
import * as places from "./places.js";
import { Sandbox } from "./sandbox.js";
import { FileSource, MemberSource, whole } from "./source.js";
import * as spare from "./spare.js";
import { fill, textsOf } from "./texts.js";

export { thumbOf } from "../thumbs/page.js";
export { textOf } from "./extract.js";
export { Page } from "./page.js";
export { isLight } from "./drawing.js";
export { factsOf, placelessOf, saidBy } from "./facts.js";
export { ready } from "./spare.js";

/**
 * What the page does: goes back to the list; downloads the file; puts a `FileList` beside it;
 * goes to the file after it, or (false) before it; shows its details.
 */
const ACTS = { leave: 0, download: 1, upload: 2, walk: 3, details: 4 };

/** Reasons that are the module's own fault, if anybody's. */
const BROKE = new Set(["time", "memory", "crash"]);

/**
 * Shows a file.
 *
 * Options:
 * - `parent` (Element): the region that it fills;
 * - `name`, `size`, `port`: the file, and the engine's port at which it is read; without a
 *   port `name` is a sentence that says why there is none;
 * - `act(what, beside)`: has the page do something, see `ACTS`.
 *
 * It ends when the region leaves the page.
 */
export function mount(options) {
  const { parent, name, port } = options;
  if (!port) return parent.append(note(name, "alert"));
  const viewer = new Viewer(options);
  const watch = new MutationObserver(() => {
    if (parent.isConnected) return;
    watch.disconnect();
    viewer.end();
  });
  watch.observe(document.body, { childList: true, subtree: true });
  viewer.open(new FileSource(options));
}

class Viewer {
  /** What is shown, and below it the archive that it is a member of. */
  #stack = [];

  #keys = (event) => {
    const elsewhere = document.querySelector("dialog[open]") || event.target.closest?.("input, select, textarea, audio, video, [role=menu]");
    if (elsewhere || event.defaultPrevented) return;
    if (isPlain(event)) this.key(event.key);
    if (event.altKey && event.key === "Enter") this.key("Details");
  };

  constructor({ parent, act }) {
    this.parent = parent;
    this.act = act;
    document.addEventListener("keydown", this.#keys);
    const { lang } = document.documentElement;
    this.language = localeOf(lang);
    this.texts = textsOf(lang);
  }

  /** Shows a source on top of what is shown. */
  async open(source) {
    if (this.#top) this.#top.element.hidden = true;
    const shown = new Shown(this, source);
    this.#stack.push(shown);
    this.parent.append(shown.element);
    await shown.start();
  }

  get isInside() {
    return this.#stack.length > 1;
  }

  get #top() {
    return this.#stack.at(-1);
  }

  back() {
    if (!this.isInside) return this.act(ACTS.leave);
    this.#stack.pop().end();
    this.#top.element.hidden = false;
    this.#top.focus();
  }

  /** A key that nothing else had a use for. */
  key(key) {
    if (key === "Escape") this.back();
    if (this.isInside) return;
    if (key === "Details" || key === "i") this.act(ACTS.details);
    if (key === "ArrowRight") this.act(ACTS.walk, true);
    if (key === "ArrowLeft") this.act(ACTS.walk, false);
  }

  /** A sentence beside what is shown, with the way to have the file itself. */
  told(text) {
    const line = make("div", "viewer-told");
    const said = make("span", "grow");
    said.setAttribute("role", "status");
    said.textContent = text;
    line.append(said, ...this.downloads("button quiet"));
    return line;
  }

  /** The button that downloads the file, as a list; what is inside of an archive is none of the drive's files. */
  downloads(className) {
    return this.isInside ? [] : [button(this.texts.download, className, () => this.act(ACTS.download))];
  }

  end() {
    document.removeEventListener("keydown", this.#keys);
    while (this.#top) this.#stack.pop().end();
  }
}

function isPlain({ altKey, ctrlKey, metaKey, shiftKey }) {
  return !altKey && !ctrlKey && !metaKey && !shiftKey;
}

/** One source as it is shown. */
class Shown {
  #viewer;
  #source;
  #shown = null;
  #bar = make("div", "viewer-bar");
  #body = make("div", "viewer-body grow");
  #leads;
  #ended = false;

  constructor(viewer, source) {
    this.#viewer = viewer;
    this.#source = source;
    this.element = make("div", "viewer-shown");
    this.element.append(this.#bar, this.#body);
    this.#leads = new Leads(this.element, viewer.texts, () => this.focus());
  }

  async start() {
    try {
      const head = await this.#source.read(0, HEAD_BYTES);
      await this.#show(formatOf(this.#source, head));
    } catch (error) {
      this.#tell(error);
    }
  }

  focus() {
    this.#shown?.focus();
  }

  end() {
    this.#ended = true;
    this.#shown?.end();
    this.#source.end();
    this.element.remove();
  }

  async #show(format) {
    this.#clear();
    this.#drawBar(format);
    if (!this.#source.size) return this.#note(this.#viewer.texts.empty);
    this.#body.setAttribute("aria-busy", "true");
    let module;
    try {
      if (format.type) {
        const { Media } = await import("./media.js");
        if (this.#ended) return;
        this.#shown = new Media(this.#body, this.#viewer);
        return await this.#shown.show(this.#source, format);
      }
      const what = this.#what(format);
      const transfer = [];
      const reading = format.module && !format.inPieces ? whole(this.#source) : null;
      // Its module starts meanwhile; what is wrong with it is told when it is waited for.
      reading?.catch(() => {});
      module = format.module && (await modules.load(format.module));
      if (this.#ended) return;
      const sandbox = module ? spare.take(module, this.#body) : new Sandbox(this.#body);
      this.#shown = sandbox;
      sandbox.watch(() => this.#fail(new Refused("time")));
      if (module) {
        what.inPieces = format.inPieces && module.inPieces;
        const bytes = what.inPieces ? null : await (reading ?? whole(this.#source));
        what.bytes = bytes && (bytes.buffer.byteLength === bytes.length ? bytes : bytes.slice());
        if (bytes && this.#source.depth === 0) transfer.push(what.bytes.buffer);
      }
      if (this.#ended) return;
      const title = fill(this.#viewer.texts.content, this.#source);
      await sandbox.show(what, { title, answers: this.#answers(format, () => module), transfer });
      if (!module) return;
      modules.noteWorked(module);
      spare.prepare(module);
    } catch (error) {
      this.#fail(error, module);
    } finally {
      this.#body.removeAttribute("aria-busy");
    }
  }

  #what({ view, module }) {
    const { name, size, depth } = this.#source;
    const theme = document.documentElement.dataset.theme;
    // What is read on from where it was left has an address of its own.
    const at = depth ? 0 : places.of(location.pathname);
    const { language, texts } = this.#viewer;
    return { view, module, name, size, depth, at, theme, language, texts };
  }

  /** What the frame may ask of the page. */
  #answers(format, module) {
    const files = [];
    let bytesLeft = EXTRACT_BYTES_MAX;
    return {
      read: async ({ start, end }) => {
        const bytes = await this.#source.read(start, end);
        const copy = bytes.buffer.byteLength === bytes.length ? bytes : bytes.slice();
        return new Handed(copy, [copy.buffer]);
      },
      open: ({ name, bytes }) => {
        this.#viewer.open(new MemberSource({ name: String(name), bytes, depth: this.#source.depth + 1 }));
      },
      extract: ({ path, bytes }) => {
        bytesLeft -= bytes.length;
        if (bytesLeft < 0) throw new Refused("output");
        files.push(fileAt(String(path), bytes));
      },
      extracted: () => this.#viewer.act(ACTS.upload, listOf(files.splice(0))),
      leads: ({ address }) => this.#leads.tell(String(address)),
      place: ({ block }) => this.#source.depth || places.keep(location.pathname, Number(block)),
      failed: ({ reason }) => this.#fail(new Refused(String(reason)), module()),
      key: ({ key }) => this.#viewer.key(String(key)),
    };
  }

  #fail(error, module) {
    if (this.#ended || error.reason === "ended") return;
    if (module && BROKE.has(error.reason)) modules.noteFailed(module, `${this.#source.name}:${this.#source.size}`);
    this.#tell(error);
  }

  /** Says why nothing is shown, and what can be done instead. */
  #tell(error) {
    if (this.#ended) return;
    if (!error.reason) console.error(error);
    this.#clear();
    const { texts } = this.#viewer;
    const reason = Object.hasOwn(texts, error.reason ?? "") ? error.reason : "crash";
    this.#note(texts[reason], "alert");
  }

  #note(text, role = "status") {
    const { texts } = this.#viewer;
    const acts = make("div", "cluster");
    if (role === "alert") {
      acts.append(
        button(texts.openText, "button", () => this.#show(TEXT)),
        button(texts.asHex, "button", () => this.#show(HEX)),
      );
      acts.append(...this.#viewer.downloads("button primary"));
    }
    this.#body.append(note(text, role, acts));
  }

  #clear() {
    this.#shown?.end();
    this.#shown = null;
    this.#leads.close();
    this.#body.replaceChildren();
  }

  #drawBar(format) {
    const { texts, isInside } = this.#viewer;
    this.#bar.replaceChildren();
    if (isInside) {
      const name = make("span", "viewer-name");
      name.textContent = this.#source.name;
      this.#bar.append(button(texts.back, "button quiet", () => this.#viewer.back()), name);
    }
    const looks = make("div", "viewer-looks");
    looks.setAttribute("role", "group");
    looks.setAttribute("aria-label", texts.look);
    const own = FORMATS.includes(format) ? format : this.own;
    this.own = own;
    const choices = own ? [[own, texts.preview]] : [];
    for (const [choice, name] of [...choices, [TEXT, texts.asText], [HEX, texts.asHex]]) {
      const look = button(name, "button quiet", () => this.#show(choice));
      look.setAttribute("aria-pressed", String(choice === format));
      looks.append(look);
    }
    if (!isInside) {
      const beside = make("div", "viewer-beside");
      const details = button(texts.details, "button quiet", () => this.#viewer.act(ACTS.details));
      details.setAttribute("aria-keyshortcuts", "i");
      beside.append(details);
      this.#bar.append(beside);
    }
    this.#bar.append(looks);
  }
}

/** A sentence in the place of what is not shown. */
function note(text, role, ...below) {
  const element = make("div", "empty grow");
  const line = make("p");
  line.setAttribute("role", role);
  line.textContent = text;
  element.append(line, ...below);
  return element;
}

function make(tag, className = "") {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}

function button(name, className, act) {
  const element = make("button", className);
  element.type = "button";
  element.textContent = name;
  element.addEventListener("click", act);
  return element;
}

/** A file at its place in the archive, whatever the archive says of places outside. */
function fileAt(path, bytes) {
  const steps = path.split(/[/\\]/).filter((step) => step && step !== "." && step !== "..");
  const file = new File([bytes], steps.at(-1) ?? "file");
  // As a picked folder says it.
  if (steps.length > 1) Object.defineProperty(file, "webkitRelativePath", { value: steps.join("/") });
  return file;
}

function listOf(files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  return transfer.files;
}
