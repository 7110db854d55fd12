// What a file or folder says of itself, in a dialog.
//
// The page's wasm knows of it only that there is such a thing: this asks the engine beside it
// (`worker::engine::side`). All of it is told from this device, offline too. Names become text
// nodes and nothing else.

import { localeOf } from "../boot/locale.js";
import { ask } from "../boot/side.js";
import { sizeOf } from "../viewer/texts.js";
import { isPicture } from "./picture_names.js";
import { sumOf } from "./sum.js";
import { textsOf } from "./texts.js";

/** What the engine is asked; the numbers are those of `side.rs`. */
const NODE = 0;
const REVISIONS = 1;

const FOLDER = 0;
/** Folders that everybody has: their names among the texts, by their ids. */
const ROOT = "00".repeat(16);
const TRASH = "02".repeat(16);
const BUILTIN = { [ROOT]: "root", ["01".repeat(16)]: "recovered", [TRASH]: "trash" };

/**
 * Shows the details of a node.
 *
 * @param {string} node its id
 * @param {string} root the address of the root, as those of all folders begin
 * @param {(name: string) => void} history shows what the file was
 * @param {(what: number, about: any) => Promise<any>} beside what the page does in the node's folder
 */
export async function shows(node, root, history, beside) {
  if (document.querySelector("dialog.details")) return;
  const texts = textsOf(document.documentElement.lang);
  const before = document.activeElement;
  const dialog = make("dialog", "dialog details");
  dialog.setAttribute("aria-label", texts.title);
  const facts = make("dl", "key-list");
  facts.setAttribute("aria-busy", "true");
  const name = make("p", "hint dialog-name");
  const actions = make("div", "dialog-actions");
  const close = button(texts.close, "button primary", () => dialog.close());
  actions.append(close);
  dialog.append(make("h2", "", texts.title), name, facts, actions);
  dialog.addEventListener("close", () => {
    dialog.remove();
    focusAgain(before);
  });
  // A link leads away from here.
  dialog.addEventListener("click", ({ target }) => target.closest("a") && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  close.focus();

  const [called, kind, size, saved, local, kept, two, path, ...times] = await ask(NODE, node);
  facts.removeAttribute("aria-busy");
  if (called === undefined) return name.replaceChildren(texts.gone);
  name.textContent = called;
  const [made, maker, changed, changer] = times;
  const locale = localeOf(document.documentElement.lang);
  const clock = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const when = (time, device) => texts.by(clock.format(time), device);
  add(facts, texts.kind, texts.kinds[kind]);
  const sized = add(facts, texts.size, kind === FOLDER ? texts.counting : whole(size, texts));
  const below = kind === FOLDER && add(facts, texts.below, texts.counting);
  add(facts, texts.place, placeOf(path, root.slice(0, -ROOT.length), texts));
  add(facts, texts.made, when(made, maker));
  add(facts, texts.changed, when(changed, changer));
  add(facts, texts.saved, texts.saves[saved]);
  addTags(facts, node, called).catch(console.info);
  if (below) {
    return sumOf(node, ask, ({ files, bytes, folders, whole: all, done }) => {
      const rest = done ? (all ? "" : ` ${texts.atLeast}`) : " …";
      sized.textContent = whole(bytes, texts) + rest;
      below.textContent = texts.items(files, folders) + rest;
      return dialog.open;
    });
  }
  // It says itself what fails; where it is not here, there is nothing to be said.
  if (isPicture(called)) addPicture(facts, { name: called, local, beside }).catch(console.info);
  // It is read whole, so it has to be here.
  if (local && /\.pdf$/i.test(called)) addDocument(facts, { name: called, beside }).catch(console.info);
  add(facts, texts.content, local ? (kept ? texts.kept : texts.here) : texts.away);
  if (two) dialog.insertBefore(make("p", "hint", texts.two), actions);
  const versions = add(facts, texts.versions, texts.counting);
  const [count] = await ask(REVISIONS, node);
  const leads = button(texts.showVersions, "button quiet", () => {
    dialog.close();
    history(called);
  });
  versions.replaceChildren(count === undefined ? "" : String(count), " ", leads);
}

/** The star and the tags, by a script of their own. */
async function addTags(facts, node, name) {
  const { showsTags } = await import("../labels/tags.js");
  showsTags(facts, { node, name, add });
}

/** A section of what a picture says of itself, which comes with the first one. */
async function addPicture(facts, picture) {
  const section = sectionAfter(facts);
  const { showsPicture } = await import("./picture.js");
  await showsPicture(section, { ...picture, locale: localeOf(document.documentElement.lang), add, button, make });
}

/** The same of a PDF. */
async function addDocument(facts, file) {
  const section = sectionAfter(facts);
  const { showsDocument } = await import("./document.js");
  await showsDocument(section, { ...file, add, make });
}

function sectionAfter(facts) {
  const section = make("section", "details-own");
  facts.after(section);
  return section;
}

/** The focus goes back to what had it; a row may have been made anew, and a menu is gone. */
function focusAgain(before) {
  if (document.querySelector("dialog[open]")) return;
  const there = before?.isConnected && before !== document.body && !before.closest("[role=menu]");
  const row = document.querySelector("[role=grid] [role=row][tabindex='0']");
  (there ? before : row)?.focus();
}

function whole(bytes, texts) {
  const rounded = sizeOf(bytes);
  return bytes < 1000 ? rounded : `${rounded} (${texts.bytes(bytes)})`;
}

/** The path as links. */
function placeOf(path, base, texts) {
  const nav = make("nav", "details-place");
  nav.setAttribute("aria-label", texts.place);
  for (const [node, name] of path) {
    const link = make("a", "", texts[BUILTIN[node]] ?? name);
    link.href = node === TRASH ? "/trash" : base + node;
    if (nav.firstChild) nav.append(" / ");
    nav.append(link);
  }
  return nav;
}

function add(facts, name, value) {
  const element = make("dd");
  element.append(value);
  facts.append(make("dt", "", name), element);
  return element;
}

function button(text, className, does) {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", does);
  return element;
}

function make(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
