import assert from "node:assert/strict";
import { test } from "node:test";

import { javascript } from "@codemirror/lang-javascript";
import { markdown, markdownLanguage } from "@codemirror/lang-markdown";
import { python } from "@codemirror/lang-python";
import { rust } from "@codemirror/lang-rust";
import { EditorState } from "@codemirror/state";

import { outlineOf, placeAt } from "./outline.js";

const written = (doc, language) => EditorState.create({ doc, extensions: [language] });
const names = (doc, language) => outlineOf(written(doc, language)).map(({ level, name }) => `${level} ${name}`);

test("headings of both kinds, not those in code", () => {
  const text = "# One #\n\ntext\n\nTwo\n---\n\n```\n# not one\n```\n\n### Three *deep*\n";
  assert.deepEqual(names(text, markdown({ base: markdownLanguage })), ["1 One", "2 Two", "3 Three *deep*"]);
});

test("functions and what they are part of", () => {
  assert.deepEqual(names("class Chart {\n  draw() {}\n}\nfunction main() {}\n", javascript()), ["1 Chart", "2 draw", "1 main"]);
  assert.deepEqual(names("class Chart:\n    def draw(self):\n        pass\n\ndef main():\n    pass\n", python()), ["1 Chart", "2 draw", "1 main"]);
  assert.deepEqual(
    names("struct Chart;\nimpl Draw for Chart {\n    fn draw(&self) {}\n}\nfn main() {}\n", rust()),
    ["1 Chart", "1 impl Draw for Chart", "2 draw", "1 main"],
  );
});

test("the cursor is in the last place that began", () => {
  const state = written("intro\n# One\ntext\n# Two\n", markdown({ base: markdownLanguage }));
  const places = outlineOf(state);
  assert.deepEqual([0, 6, 14, 19].map((at) => placeAt(places, state, at)), [-1, 0, 0, 1]);
});

test("a text without any has none", () => {
  assert.deepEqual(names("just words", markdown()), []);
});
