import assert from "node:assert/strict";
import { test } from "node:test";

import { markdown, markdownLanguage } from "@codemirror/lang-markdown";
import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";

import { cellsOf, inLine, insertTable, nextCell, previousCell, widthOf } from "./tables.js";

/** A Markdown text with the cursor at `‹›`. */
function writes(marked) {
  const at = marked.indexOf("‹›");
  const state = EditorState.create({
    doc: marked.replace("‹›", ""),
    selection: { anchor: at },
    extensions: [EditorState.lineSeparator.of("\n"), markdown({ base: markdownLanguage })],
  });
  ensureSyntaxTree(state, state.doc.length, 1_000);
  return state;
}

/** The text after a command, with what is selected as `‹…›`; null where it did nothing. */
function after(marked, command) {
  let now = null;
  command({ state: writes(marked), dispatch: (transaction) => (now = transaction.state) });
  if (!now) return null;
  const { from, to } = now.selection.main;
  const text = now.doc.toString();
  return `${text.slice(0, from)}‹${text.slice(from, to)}›${text.slice(to)}`;
}

test("letters of the East count twice, marks above letters not at all", () => {
  assert.equal(widthOf("abc"), 3);
  assert.equal(widthOf("水深"), 4);
  assert.equal(widthOf("e\u0301"), 1);
  assert.equal(widthOf("🌊"), 2);
});

test("a row is cut at its bars but not at those that are escaped", () => {
  assert.deepEqual(cellsOf("| a | b \\| c | |"), ["a", "b \\| c", ""]);
  assert.deepEqual(cellsOf("a|b"), ["a", "b"]);
});

test("a table is put in line by its sides, missing cells filled", () => {
  assert.deepEqual(inLine(["|Place|Depth|", "|:-|-:|", "|水深|12|", "|b|"]), [
    "| Place | Depth |",
    "| :---- | ----: |",
    "| 水深  |    12 |",
    "| b     |       |",
  ]);
});

test("one long cell does not make all others as wide", () => {
  const long = "x".repeat(80);
  assert.equal(inLine(["|a|", "|-|", `|${long}|`, "|b|"])[3], "| b   |");
});

test("Tab goes cell by cell over the rule, and selects what is there", () => {
  assert.equal(after("|a‹›|b|\n|-|-|\n|c|d|", nextCell), "| a   | ‹b›   |\n| --- | --- |\n| c   | d   |");
  assert.equal(after("|a|b‹›|\n|-|-|\n|c|d|", nextCell), "| a   | b   |\n| --- | --- |\n| ‹c›   | d   |");
  assert.equal(after("|a|b|\n|-|-|\n|c‹›|d|", previousCell), "| a   | ‹b›   |\n| --- | --- |\n| c   | d   |");
});

test("Tab in the last cell begins a row", () => {
  assert.equal(after("|a|\n|-|\n|b‹›|\n\nmore", nextCell), "| a   |\n| --- |\n| b   |\n| ‹›    |\n\nmore");
});

test("what only looks like a table is left alone", () => {
  assert.equal(after("```\n|a‹›|\n|-|\n```", nextCell), null);
  assert.equal(after("plain ‹›text", nextCell), null);
  assert.equal(after("> |a‹›|\n> |-|\n", nextCell), null);
  assert.equal(after("|a‹›|\r\n|-|\r\n", nextCell), null);
});

test("a new table stands on lines of its own", () => {
  assert.equal(
    after("before‹›\nafter", insertTable(["One", "Two"])),
    "before\n\n| ‹One› | Two |\n| --- | --- |\n|     |     |\n\nafter",
  );
});
