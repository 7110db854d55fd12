import assert from "node:assert/strict";
import { test } from "node:test";

import { ChangeSet, EditorState, Text } from "@codemirror/state";

import { collaboration, Pusher, PUSH_UPDATES_MAX } from "./collab.js";

/** The engine's side, as the page sees it: it takes a push whole or not at all. */
class Engine {
  constructor(doc) {
    this.doc = Text.of(doc.split("\n"));
    this.log = [];
  }
  take(version, updates) {
    if (version !== this.log.length) return 0;
    for (const update of updates) {
      this.doc = ChangeSet.fromJSON(JSON.parse(update.changes)).apply(this.doc);
      this.log.push(update);
    }
    return updates.length;
  }
}

/** An editor without a screen. */
class Page {
  constructor(engine, clientId, doc) {
    this.engine = engine;
    this.pushes = [];
    this.pusher = new Pusher((version, updates) => this.pushes.push({ version, updates }));
    this.state = EditorState.create({
      doc,
      extensions: [EditorState.lineSeparator.of("\n"), collaboration(engine.log.length, clientId)],
    });
  }
  type(from, insert) {
    this.state = this.state.update({ changes: { from, insert } }).state;
    this.pusher.push(this.state);
  }
  receive(version, updates) {
    const transaction = this.pusher.receive(this.state, version, updates);
    if (!transaction) return;
    this.state = transaction.state;
    this.pusher.push(this.state);
  }
  /** Delivers the oldest push, and its echo if it was taken. */
  deliver() {
    const { version, updates } = this.pushes.shift();
    const accepted = this.engine.take(version, updates);
    if (accepted > 0) this.receive(version, updates.slice(0, accepted));
    return accepted;
  }
  text() {
    return this.state.sliceDoc();
  }
}

test("typing while a push is under way goes with the next push", () => {
  const engine = new Engine("");
  const page = new Page(engine, "a", "");
  page.type(0, "o");
  page.type(1, "n");
  page.type(2, "e");
  assert.equal(page.pushes.length, 1);
  assert.equal(page.pushes[0].updates.length, 1);
  page.deliver();
  assert.equal(page.pushes[0].updates.length, 2);
  page.deliver();
  assert.equal(engine.doc.toString(), "one");
  assert.equal(page.pushes.length, 0);
});

test("a refused push is rebased over what others did and goes out again", () => {
  const engine = new Engine("-");
  const page = new Page(engine, "a", "-");
  page.type(1, "mine");
  const theirs = [{ clientID: "b", changes: JSON.stringify(ChangeSet.of({ from: 0, insert: "theirs" }, 1)) }];
  engine.take(0, theirs);
  assert.equal(page.deliver(), 0);
  page.receive(0, theirs);
  assert.equal(page.deliver(), 1);
  assert.equal(page.text(), "theirs-mine");
  assert.equal(engine.doc.toString(), "theirs-mine");
});

test("updates that arrive twice are taken once", () => {
  const engine = new Engine("");
  const page = new Page(engine, "a", "");
  const theirs = [{ clientID: "b", changes: JSON.stringify(ChangeSet.of({ from: 0, insert: "x" }, 0)) }];
  page.receive(0, theirs);
  page.receive(0, theirs);
  assert.equal(page.text(), "x");
});

test("a gap in the updates is refused", () => {
  const page = new Page(new Engine(""), "a", "");
  assert.throws(() => page.receive(3, []), RangeError);
});

test("a lost push goes out again after release", () => {
  const page = new Page(new Engine(""), "a", "");
  page.type(0, "x");
  page.pushes.length = 0;
  page.pusher.release();
  page.pusher.push(page.state);
  assert.equal(page.pushes.length, 1);
});

test("one push is bounded and the rest follows", () => {
  const engine = new Engine("");
  const page = new Page(engine, "a", "");
  for (let index = 0; index < PUSH_UPDATES_MAX + 10; index += 1) page.type(index, "x");
  while (page.pushes.length > 0) page.deliver();
  assert.equal(engine.doc.toString(), "x".repeat(PUSH_UPDATES_MAX + 10));
});

test("carriage returns survive", () => {
  const engine = new Engine("a\r\nb\r\n");
  const page = new Page(engine, "a", "a\r\nb\r\n");
  page.type(0, "z");
  page.deliver();
  assert.equal(engine.doc.toString(), "za\r\nb\r\n");
  assert.equal(page.text(), "za\r\nb\r\n");
});
