// The text editor: CodeMirror 6 behind one function.
//
// The page calls `createEditor` and talks in plain values: text, versions, updates
// as JSON strings. It knows nothing of CodeMirror, and CodeMirror nothing of files.
//
// The view lives in a shadow root. CodeMirror writes its styles into a <style>
// element otherwise, which the page's `style-src 'self'` refuses; in a shadow root
// it uses constructed style sheets.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { getSyncedVersion, sendableUpdates } from "@codemirror/collab";
import { Compartment, EditorState } from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  MatchDecorator,
  rectangularSelection,
  ViewPlugin,
} from "@codemirror/view";

import { addsFiles, picksFiles } from "./adds_files.js";
import { bar } from "./bar.js";
import { coloursCode } from "./code.js";
import { collaboration, Pusher } from "./collab.js";
export { createDifference } from "./difference.js";
import { isMarkdown, isPage, languageAtOnce, languageOf } from "./languages.js";
import { pasteLink, tickTask, tickTasks } from "./marks.js";
import { forgetMerged, mergedEdits, runsOf, showMerged, takeBackMerged } from "./merged.js";
import { showsPage } from "./page.js";
import { presence } from "./presence.js";
import { showsFiles } from "./shows_files.js";
import { nextCell, previousCell } from "./tables.js";
import { templates } from "./templates.js";
import { phrasesOf, textsOf } from "./texts.js";
import { theme } from "./theme.js";
import { wrapping } from "./wrap.js";

// The default set without the carriage return, which `hiddenReturns` hides.
const specialChars =
  /[\u0000-\u0008\u000a-\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202d\u202e\u2066\u2067\u2069\ufeff\ufff9-\ufffc]/g;

// In a file with CRLF every line keeps its carriage return (the text must not change
// by being opened), but a person neither sees it nor stops at it.
const returns = new MatchDecorator({ regexp: /\r$/gm, decoration: Decoration.replace({}) });
const hiddenReturns = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.decorations = returns.createDeco(view);
    }
    update(update) {
      this.decorations = returns.updateDeco(update, this.decorations);
    }
  },
  {
    decorations: (plugin) => plugin.decorations,
    provide: (plugin) =>
      EditorView.atomicRanges.of((view) => view.plugin(plugin)?.decorations ?? Decoration.none),
  },
);

/**
 * Opens an editor inside `parent`.
 *
 * Options:
 * - `parent` (Element): what it fills; it gets one child, removed by `leave`.
 * - `preview` (Element, optional): where the text is rendered; its tasks are ticked by a click. HTML is
 *   drawn there as a page, whenever it is not hidden.
 * - `node` (string): the text's id, under which the engine is told that it is in sight.
 * - `doc` (string), `version` (number): the text, and the engine's number for it.
 * - `clientId` (string): names this editor's updates; unique for each opening.
 * - `fileName` (string): decides the language.
 * - `readOnly` (boolean).
 * - `label` (string, optional): the accessible name, "Editor" if absent.
 * - `onUpdates(version, [{clientID, changes}])`: edits to hand to the engine, based
 *   on `version`; called once, then not again until `receiveUpdates` or `release`.
 *   `changes` is `ChangeSet.toJSON()` as JSON text.
 * - `onDocChange(getText)` (optional): the text changed, at most once a frame;
 *   `getText()` makes the string, which costs a copy.
 * - `onBlur()` (optional): focus left the text.
 * - `beside(ask, about)` (optional): looks at, reads, goes to and adds files beside the text,
 *   as `asks.js` says.
 *
 * Returns
 * - `receiveUpdates(version, [{clientID, changes}])`: what the engine accepted, own
 *   updates included, the first of which follows `version`; throws a `RangeError`
 *   where updates are missing in between;
 * - `release()`: the push under way was lost; the edits go out again;
 * - `showMerged(boolean)`: marks what other devices typed, and goes to the first of it;
 *   `takeBackMerged()` takes it back by a new edit, `forgetMerged()` leaves it alone;
 * - `version()`, `sendable()` (how many edits the engine has not accepted),
 *   `getDoc()`, `focus()`, `setReadOnly(boolean)`, `setFileName(string)`;
 * - `leave()`: takes the editor off the page; what is not accepted yet still goes out;
 * - `destroy()`: ends it, once it has left and nothing is sendable.
 */
export function createEditor(options) {
  const { parent, doc, version, clientId, readOnly = false, label = "Editor" } = options;
  const host = document.createElement("div");
  host.className = "editor-host";
  const root = host.attachShadow({ mode: "open" });
  parent.append(host);
  keepKeys(host);

  const pusher = new Pusher(options.onUpdates);
  const writable = new Compartment();
  const language = new Compartment();
  const spoken = document.documentElement.lang;
  const texts = textsOf(spoken);
  const wraps = wrapping();
  const markdown = isMarkdown(options.fileName);
  const company = presence(options.node, texts);
  const files = markdown && options.preview && options.beside ? showsFiles(options.preview, options.beside) : null;
  const code = markdown && options.preview ? coloursCode(options.preview) : null;
  const page = options.preview && isPage(options.fileName) ? showsPage(options.preview, options.fileName, () => textOf(view)) : null;
  const frame = new Frame(() => options.onDocChange?.(() => textOf(view)));

  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc,
      extensions: [
        EditorState.lineSeparator.of("\n"),
        EditorState.phrases.of(phrasesOf(spoken)),
        collaboration(version, clientId),
        mergedEdits,
        writable.of(writability(readOnly)),
        language.of(languageAtOnce(options.fileName) ?? []),
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "true" }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          frame.request();
          page?.changed();
          pusher.push(update.state);
        }),
        EditorView.domEventHandlers({
          blur: () => {
            options.onBlur?.();
          },
        }),
        company.extension,
        bar({ texts, wraps, markdown, addFiles: files && picksFiles(options.beside, texts.picture), company }),
        templates({ texts, node: options.node, fileName: options.fileName, language: spoken, ask: options.beside }),
        markdown ? writesMarkdown : [],
        files ? addsFiles(options.beside, texts.picture) : [],
        wraps.extension,
        looks(),
        keys(),
      ],
    }),
  });

  options.preview?.addEventListener("click", (event) => {
    const boxes = [...event.currentTarget.querySelectorAll("input[type=checkbox]")];
    const nth = boxes.indexOf(event.target);
    if (nth < 0) return;
    // What is drawn follows the text.
    event.preventDefault();
    const transaction = tickTask(view.state, nth, boxes.length);
    if (transaction) view.dispatch(transaction);
  });

  let fileName = null;
  async function setFileName(name) {
    fileName = name;
    const support = await languageOf(name);
    if (fileName !== name || !host.isConnected) return;
    view.dispatch({ effects: language.reconfigure(support ?? []) });
  }
  if (!languageAtOnce(options.fileName)) setFileName(options.fileName);

  return {
    receiveUpdates(from, updates) {
      for (const run of runsOf(updates)) {
        const transaction = pusher.receive(view.state, from, run);
        from += run.length;
        if (transaction) view.dispatch(transaction);
      }
      pusher.push(view.state);
    },
    showMerged(shown) {
      view.dispatch(showMerged(view.state, shown));
      view.focus();
    },
    takeBackMerged() {
      const transaction = takeBackMerged(view.state);
      if (transaction) view.dispatch(transaction);
      view.focus();
    },
    forgetMerged() {
      view.dispatch(forgetMerged(view.state));
    },
    release() {
      pusher.release();
      pusher.push(view.state);
    },
    version: () => getSyncedVersion(view.state),
    sendable: () => sendableUpdates(view.state).length,
    getDoc: () => textOf(view),
    focus: () => view.focus(),
    setReadOnly(value) {
      view.dispatch({ effects: writable.reconfigure(writability(value)) });
    },
    setFileName,
    leave() {
      frame.cancel();
      files?.end();
      code?.end();
      page?.end();
      company.leave();
      host.remove();
    },
    destroy: () => view.destroy(),
  };
}

function looks() {
  return [
    theme,
    lineNumbers(),
    foldGutter({ openText: "▾", closedText: "▸" }),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    highlightSpecialChars({ specialChars }),
    hiddenReturns,
    drawSelection(),
    dropCursor(),
    rectangularSelection(),
    EditorState.allowMultipleSelections.of(true),
    bracketMatching(),
    highlightSelectionMatches(),
  ];
}

/** What only Markdown has: before the keys of all texts, which it overrides in tables and tasks. */
const writesMarkdown = [
  keymap.of([
    { key: "Tab", run: nextCell, shift: previousCell },
    { key: "Mod-Enter", run: tickTasks },
  ]),
  EditorView.domEventHandlers({
    paste(event, view) {
      const transaction = pasteLink(view.state, event.clipboardData?.getData("text/plain").trim() ?? "");
      if (!transaction) return false;
      event.preventDefault();
      view.dispatch(transaction);
      return true;
    },
  }),
];

function keys() {
  return [
    history(),
    indentOnInput(),
    closeBrackets(),
    autocompletion({ activateOnTyping: false }),
    search({ top: true }),
    // Escape, then Tab, leaves the text: no keyboard trap.
    keymap.of([
      ...closeBracketsKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...defaultKeymap,
      indentWithTab,
    ]),
  ];
}

function writability(readOnly) {
  return [EditorState.readOnly.of(readOnly), EditorView.editable.of(true)];
}

function textOf(view) {
  return view.state.sliceDoc();
}

// The page has keys of its own (`/`, `?`, Delete, Ctrl-K). What is typed into the text
// must never reach them, although to the page the event seems to come from a <div>.
// Escape and Alt-Up, where the editor had no use for them, go on: they leave the file.
function keepKeys(host) {
  host.addEventListener("keydown", (event) => {
    const leaves = event.key === "Escape" || (event.altKey && event.key === "ArrowUp");
    if (!leaves || event.defaultPrevented) event.stopPropagation();
  });
}

/** Runs a task at most once for each frame. */
class Frame {
  #id = 0;
  #task;

  constructor(task) {
    this.#task = task;
  }

  request() {
    if (this.#id) return;
    this.#id = requestAnimationFrame(() => {
      this.#id = 0;
      this.#task();
    });
  }

  cancel() {
    cancelAnimationFrame(this.#id);
    this.#id = 0;
  }
}
