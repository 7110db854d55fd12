import assert from "node:assert/strict";
import { test } from "node:test";

import { ChangeSet, EditorState } from "@codemirror/state";

import { collaboration, Pusher } from "./collab.js";
import { forgetMerged, mergedEdits, runsOf, showMerged, takeBackMerged } from "./merged.js";

/** An editor without a screen; `clientId` is "a". */
class Page {
  constructor(doc) {
    this.version = 0;
    this.pusher = new Pusher(() => {});
    this.state = EditorState.create({ doc, extensions: [collaboration(0, "a"), mergedEdits] });
  }
  types(from, insert, to = from) {
    this.state = this.state.update({ changes: { from, to, insert } }).state;
  }
  /** Takes in updates of `[client, changes]`, all on the text that is confirmed. */
  hears(...updates) {
    const all = updates.map(([clientID, changes]) => ({ clientID, changes: JSON.stringify(changes) }));
    for (const run of runsOf(all)) {
      this.state = this.pusher.receive(this.state, this.version, run).state;
      this.version += run.length;
    }
  }
  takesBack() {
    const transaction = takeBackMerged(this.state);
    if (transaction) this.state = transaction.state;
    return transaction !== null;
  }
  shown() {
    const marks = [];
    for (const cursor = this.state.field(mergedEdits).marks.iter(); cursor.value; cursor.next()) {
      marks.push(cursor.value.spec.widget?.text ?? this.state.sliceDoc(cursor.from, cursor.to));
    }
    return marks;
  }
  text() {
    return this.state.sliceDoc();
  }
}

const insert = (at, text, length) => ChangeSet.of({ from: at, insert: text }, length).toJSON();
const remove = (from, to, length) => ChangeSet.of({ from, to }, length).toJSON();

test("what others typed is taken back, and what was typed here stays", () => {
  const page = new Page("one two");
  page.hears(["others", insert(7, " three", 7)]);
  page.types(0, "zero ");
  page.hears(["others", remove(0, 4, 13)]);
  page.types(page.text().length, "!");
  assert.equal(page.text(), "zero two three!");
  assert.ok(page.takesBack());
  assert.equal(page.text(), "zero one two!");
  assert.ok(!page.takesBack());
});

test("what this device's other tabs typed is not taken back", () => {
  const page = new Page("x");
  page.hears(["tabs", insert(0, "tab ", 1)], ["others", insert(5, " phone", 5)], ["tabs", insert(11, "!", 11)]);
  assert.equal(page.text(), "tab x phone!");
  page.takesBack();
  assert.equal(page.text(), "tab x!");
});

test("what was typed into others' text stays when that is taken back", () => {
  const page = new Page("ab");
  page.hears(["others", insert(1, "1234", 2)]);
  page.types(3, "mine");
  page.takesBack();
  assert.equal(page.text(), "amineb");
});

test("what is left alone is not taken back later", () => {
  const page = new Page("");
  page.hears(["others", insert(0, "first ", 0)]);
  page.state = forgetMerged(page.state).state;
  page.hears(["others", insert(6, "second", 6)]);
  page.takesBack();
  assert.equal(page.text(), "first ");
});

test("inserted and deleted text is shown, from the first place on", () => {
  const page = new Page("keep drop keep");
  page.hears(["others", remove(5, 10, 14)], ["others", insert(9, " new", 9)]);
  page.state = showMerged(page.state, true).state;
  assert.deepEqual(page.shown(), ["drop ", " new"]);
  assert.equal(page.state.selection.main.anchor, 5);
  page.hears(["others", insert(0, "x", 13)]);
  assert.deepEqual(page.shown(), ["x", "drop ", " new"]);
  page.state = showMerged(page.state, false).state;
  assert.deepEqual(page.shown(), []);
});
