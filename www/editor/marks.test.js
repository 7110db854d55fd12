import assert from "node:assert/strict";
import { test } from "node:test";

import { markdown, markdownLanguage } from "@codemirror/lang-markdown";
import { EditorSelection, EditorState } from "@codemirror/state";

import { makeLink, pasteLink, tickTask, tickTasks, toggleBold, toggleItalic, toggleList, toggleTasks } from "./marks.js";

/** A text whose selections are written as `‹selected›`, a cursor as `‹›`. */
function writes(marked, { readOnly = false } = {}) {
  const ranges = [];
  let doc = "";
  for (const part of marked.split(/(‹[^›]*›)/)) {
    const selected = /^‹(.*)›$/s.exec(part);
    if (selected) ranges.push(EditorSelection.range(doc.length, doc.length + selected[1].length));
    doc += selected ? selected[1] : part;
  }
  return EditorState.create({
    doc,
    selection: EditorSelection.create(ranges),
    extensions: [EditorState.allowMultipleSelections.of(true), EditorState.readOnly.of(readOnly)],
  });
}

/** The text after a command, selections marked as in `writes`; null where it did nothing. */
function after(state, command) {
  let now = null;
  command({ state, dispatch: (transaction) => (now = transaction.state) });
  return now && shown(now);
}

function shown(state) {
  let text = state.doc.toString();
  for (const { from, to } of [...state.selection.ranges].reverse()) {
    text = `${text.slice(0, from)}‹${text.slice(from, to)}›${text.slice(to)}`;
  }
  return text;
}

test("a word is made bold from any place in it, and plain again", () => {
  const bold = after(writes("a sh‹›oal here"), toggleBold);
  assert.equal(bold, "a **sh‹›oal** here");
  assert.equal(after(writes(bold), toggleBold), "a sh‹›oal here");
});

test("what is selected is marked as a whole, and each of several selections", () => {
  assert.equal(after(writes("‹two words› and ‹three›"), toggleItalic), "_‹two words›_ and _‹three›_");
  assert.equal(after(writes("‹**bold**›"), toggleBold), "‹bold›");
  assert.equal(after(writes("‹›"), toggleBold), "**‹›**");
});

test("italic within bold does not take the bold mark for its own", () => {
  assert.equal(after(writes("**‹deep›**"), toggleItalic), "**_‹deep›_**");
});

test("words become a link that waits for its address, an address one that waits for words", () => {
  assert.equal(after(writes("see ‹the chart› now"), makeLink), "see [the chart](‹›) now");
  assert.equal(after(writes("‹https://example.org/x›"), makeLink), "[‹›](https://example.org/x)");
});

test("an address pasted over words links them, and nothing else does", () => {
  const pasted = (marked, text) => pasteLink(writes(marked), text)?.state.doc.toString() ?? null;
  assert.equal(pasted("‹chart› one", "https://example.org/a"), "[chart](https://example.org/a) one");
  assert.equal(pasted("‹›chart", "https://example.org/a"), null);
  assert.equal(pasted("‹chart›", "javascript:alert(1)"), null);
  assert.equal(pasted("‹two\nlines›", "https://example.org/a"), null);
  assert.equal(pasted("‹https://example.org/a›", "https://example.org/b"), null);
});

test("lines become items and lines again, empty ones apart", () => {
  assert.equal(after(writes("‹one\n\n  two›"), toggleList), "- ‹one\n\n  - two›");
  assert.equal(after(writes("‹- one\n1. two›"), toggleList), "‹one\ntwo›");
});

test("items become tasks, and tasks items", () => {
  assert.equal(after(writes("- on‹›e"), toggleTasks), "- [ ] on‹›e");
  assert.equal(after(writes("- [x] on‹›e"), toggleList), "- on‹›e");
  assert.equal(after(writes("- [x] on‹›e"), toggleTasks), "on‹›e");
});

test("tasks are ticked together, and unticked when all are done", () => {
  assert.equal(after(writes("‹- [ ] a\n> 1. [x] b›"), tickTasks), "‹- [x] a\n> 1. [x] b›");
  assert.equal(after(writes("‹- [x] a\n- [X] b›"), tickTasks), "‹- [ ] a\n- [ ] b›");
  assert.equal(after(writes("no task‹›"), tickTasks), null);
});

test("the task that was ticked in the preview is ticked in the text", () => {
  const doc = "- [ ] a\n\n```\n- [ ] code\n```\n\n> - [x] b\n";
  const state = EditorState.create({ doc, extensions: [markdown({ base: markdownLanguage })] });
  assert.equal(tickTask(state, 0, 2).state.doc.line(1).text, "- [x] a");
  assert.equal(tickTask(state, 1, 2).state.doc.line(7).text, "> - [ ] b");
  assert.equal(tickTask(state, 0, 3), null);
});

test("a text that is only read is not written", () => {
  const state = writes("‹- [ ] word›", { readOnly: true });
  for (const command of [toggleBold, toggleItalic, makeLink, toggleList, toggleTasks, tickTasks]) {
    assert.equal(after(state, command), null);
  }
  assert.equal(pasteLink(state, "https://example.org/"), null);
});
