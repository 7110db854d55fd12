// What a new text can begin with: a line of offers above an empty one.
//
// Markdown has some that come with the app. Texts in a folder *Templates* at the top of the drive
// are offered too, where their names end as this one's does. What is chosen is typed, so that it
// goes to other devices and is taken back like everything else.

import { EditorState } from "@codemirror/state";
import { EditorView, showPanel } from "@codemirror/view";

import { localeOf } from "../boot/locale.js";
import { ask as askEngine } from "../boot/side.js";
import { FileSource } from "../viewer/source.js";
import { LOOK, READ } from "./asks.js";
import { isMarkdown } from "./languages.js";
import { builtIn } from "./template_texts.js";

/** What the engine is asked; the number is that of `side.rs`. */
const TEXTS_IN = 6;
/** A larger text is no template. */
const BYTES_MAX = 256 * 1024;
/** How many of a person's own are offered. */
const OWN_MAX = 20;
/** What the folder is called, in each language of the app. */
const FOLDERS = ["Templates", "模板"];

/** The end of a file's name, from its last dot on; empty where there is none. */
export function endingOf(name) {
  return /[^.](\.[^.]+)$/.exec(name)?.[1].toLowerCase() ?? "";
}

/** A file's name without its end. */
export function stemOf(name) {
  return name.slice(0, name.length - endingOf(name).length);
}

/**
 * A template as it is typed: `{insert, cursor}`.
 *
 * `{{title}}` stands for the name of the file without its end, `{{date}}` and `{{time}}` for now,
 * and `{{cursor}}` for where the cursor goes; without it that is the end. Any other mark stays.
 */
export function filled(template, { fileName, now, locale }) {
  const marks = {
    title: stemOf(fileName),
    date: now.toLocaleDateString(locale, { dateStyle: "long" }),
    time: now.toLocaleTimeString(locale, { timeStyle: "short" }),
  };
  const parts = template.split("{{cursor}}").map((part) => part.replace(/\{\{(title|date|time)\}\}/g, (_, mark) => marks[mark]));
  return { insert: parts.join(""), cursor: parts.length > 1 ? parts[0].length : parts.join("").length };
}

/** Those of a person's own texts, as `[node, name]`, that are for files of this name. */
export function fitting(texts, fileName) {
  return texts.filter(([, name]) => endingOf(name) === endingOf(fileName)).slice(0, OWN_MAX);
}

/**
 * Offers templates while the text is empty and may be written.
 *
 * `texts` are those of `texts.js`, `node` is the text's id, `ask` is what the page does beside it (`asks.js`).
 */
export function templates({ texts, node, fileName, language, ask }) {
  const offers = (isMarkdown(fileName) ? builtIn(language) : []).map(({ name, text }) => ({ name, read: async () => text }));
  const own = ask ? ownOf(node, fileName, ask) : Promise.resolve([]);
  const begin = async (view, { read }) => {
    const template = await read().catch(() => null);
    if (template === null || view.state.doc.length || view.state.readOnly) return;
    const { insert, cursor } = filled(template, { fileName, now: new Date(), locale: localeOf(language) });
    view.dispatch({ changes: { from: 0, insert }, selection: { anchor: cursor }, userEvent: "input.template", scrollIntoView: true });
    view.focus();
  };
  const panel = (view) => {
    const dom = document.createElement("div");
    dom.className = "templates";
    dom.setAttribute("role", "group");
    dom.setAttribute("aria-label", texts.templates);
    const title = Object.assign(document.createElement("span"), { textContent: texts.templates });
    title.setAttribute("aria-hidden", "true");
    dom.append(title);
    const show = (offers) => {
      dom.append(...offers.map((offer) => button(offer.name, () => begin(view, offer))));
      dom.hidden = dom.childElementCount === 1;
    };
    show(offers);
    own.then(show);
    return { dom, top: true };
  };
  const isOffered = (state) => state.doc.length === 0 && !state.readOnly;
  return [showPanel.compute(["doc", EditorState.readOnly], (state) => (isOffered(state) ? panel : null)), looks];
}

/** A person's own templates, the ones in the first folder of such a name. */
async function ownOf(self, fileName, ask) {
  for (const folder of FOLDERS) {
    // The first name of none stands for the top of the drive.
    const node = await ask(LOOK, ["", folder]);
    if (!node) continue;
    const [texts = []] = await askEngine(TEXTS_IN, node);
    const others = texts.filter(([node]) => node !== self);
    return fitting(others, fileName).map(([, name]) => ({ name: stemOf(name), read: () => read(["", folder, name], ask) }));
  }
  return [];
}

async function read(path, ask) {
  const [name, size, port] = await ask(READ, path);
  const source = new FileSource({ name, size, port });
  try {
    if (size > BYTES_MAX) throw new RangeError(`${name} has ${size} bytes`);
    return new TextDecoder().decode(size ? await source.read(0, size) : new Uint8Array());
  } finally {
    source.end();
  }
}

function button(name, run) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
  button.addEventListener("click", run);
  return button;
}

const looks = EditorView.baseTheme({
  ".templates": {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "var(--space-2)",
    padding: "var(--space-2) var(--space-3)",
    fontFamily: "var(--font)",
    fontSize: "0.875rem",
    color: "var(--ink-soft)",
    borderTop: "1px solid var(--line)",
  },
  ".templates[hidden]": { display: "none" },
  ".templates button": {
    minHeight: "32px",
    maxWidth: "16em",
    padding: "0 var(--space-3)",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    font: "inherit",
    color: "var(--ink)",
    background: "none",
    border: "1px solid var(--line)",
    borderRadius: "999px",
    cursor: "pointer",
  },
  "@media (pointer: coarse)": { ".templates button": { minHeight: "44px" } },
  ".templates button:hover": { backgroundColor: "var(--hover-veil)" },
  ".templates button:focus-visible": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
});
