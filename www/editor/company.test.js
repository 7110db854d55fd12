import assert from "node:assert/strict";
import { test } from "node:test";

import { ChangeSet, EditorState } from "@codemirror/state";

import { collaboration } from "./collab.js";
import { company, companyOf, initialsOf, tellCompany } from "./company.js";
import { shownAt } from "./presence.js";

const phone = { visit: "v1", device: "d1", name: "Phone", anchor: 4, head: 4 };
const laptop = { visit: "v2", device: "d2", name: "Laptop", anchor: 0, head: 3 };

function opened(doc, ...visitors) {
  const state = EditorState.create({ doc, extensions: [collaboration(0, "a"), company] });
  return tellCompany(state, visitors).state;
}

const places = (state) => companyOf(state).map(({ anchor, head }) => [anchor, head]);

test("cursors of others go along with what is typed around them", () => {
  let state = opened("the tide", phone, laptop);
  state = state.update({ changes: { from: 0, insert: "here is " } }).state;
  assert.deepEqual(places(state), [[12, 12], [8, 11]]);
  state = state.update({ changes: { from: 0, to: 12, insert: "" } }).state;
  assert.deepEqual(places(state), [[0, 0], [0, 0]]);
});

test("who is told of no more is gone, and who is told of without a place stays where it was", () => {
  let state = opened("the tide", phone, laptop);
  const { visit, device, name } = phone;
  state = state.update({ changes: { from: 0, insert: "x" } }).state;
  state = tellCompany(state, [{ visit, device, name }]).state;
  assert.deepEqual(places(state), [[5, 5]]);
  assert.deepEqual(companyOf(tellCompany(state, []).state), []);
  assert.deepEqual(places(opened("the tide", { visit, device, name })), [[undefined, undefined]]);
});

test("a name is shown again when its cursor moved, and not when the text did", () => {
  let state = opened("the tide", phone);
  const moves = () => companyOf(state)[0].moves;
  const first = moves();
  state = state.update({ changes: { from: 0, insert: "x" } }).state;
  state = tellCompany(state, [{ ...phone, anchor: 5, head: 5 }]).state;
  assert.equal(moves(), first);
  state = tellCompany(state, [{ ...phone, anchor: 1, head: 2 }]).state;
  assert.equal(moves(), first + 1);
});

test("each device has a colour of its own and keeps it", () => {
  const many = Array.from({ length: 6 }, (_, n) => ({ ...phone, visit: `v${n}`, device: `d${n}` }));
  let state = opened("the tide", ...many);
  assert.equal(new Set(companyOf(state).map(({ colour }) => colour)).size, 6);
  const last = companyOf(state)[5].colour;
  state = tellCompany(state, [many[5], { ...many[5], visit: "another tab" }]).state;
  assert.deepEqual(companyOf(state).map(({ colour }) => colour), [last, last]);
});

test("what lies behind the end is the end", () => {
  assert.deepEqual(places(opened("tide", { ...phone, anchor: 90, head: 99 })), [[4, 4]]);
});

test("a place in the text that the engine has is found in what was typed since", () => {
  let state = opened("the tide");
  state = state.update({ changes: ChangeSet.of({ from: 4, insert: "spring " }, 8) }).state;
  state = state.update({ changes: { from: 0, to: 4 } }).state;
  assert.deepEqual([0, 5, 8].map((at) => shownAt(state, at)), [0, 8, 11]);
});

test("a name has one letter or two", () => {
  assert.deepEqual(["Phone", "chrome on linux", "😀 tide", "", "  "].map(initialsOf), ["P", "CL", "😀T", "?", "?"]);
});
