import assert from "node:assert/strict";
import { test } from "node:test";

import { builtIn } from "./template_texts.js";
import { endingOf, filled, fitting, stemOf } from "./templates.js";

const about = { fileName: "Harbour plan.md", now: new Date(2026, 4, 3, 9, 5), locale: "en-GB" };

test("a template knows the file's name and the moment", () => {
  assert.equal(filled("# {{title}}\n{{date}}, {{time}}", about).insert, "# Harbour plan\n3 May 2026, 09:05");
});

test("the cursor goes where the template says, or else to its end", () => {
  assert.deepEqual(filled("# {{title}}\n\n{{cursor}}\n\nend", about), { insert: "# Harbour plan\n\n\n\nend", cursor: 16 });
  assert.deepEqual(filled("a {{title}}", about), { insert: "a Harbour plan", cursor: 14 });
});

test("other marks stay, and what a name says is no mark", () => {
  assert.equal(filled("{{author}} {{title}}", { ...about, fileName: "{{date}} $& {{cursor}}.md" }).insert, "{{author}} {{date}} $& {{cursor}}");
});

test("names end at their last dot, and those that begin with one have no end", () => {
  assert.deepEqual(["a.md", "a.tar.GZ", ".profile", "plain", "a."].map(endingOf), [".md", ".gz", "", "", ""]);
  assert.deepEqual(["a.md", "a.tar.GZ", ".profile", "plain"].map(stemOf), ["a", "a.tar", ".profile", "plain"]);
});

test("of one's own those are offered that end as the file does, and not too many", () => {
  const texts = ["a.md", "b.csv", "C.MD", "d"].map((name) => ["node", name]);
  assert.deepEqual(fitting(texts, "new.md").map(([, name]) => name), ["a.md", "C.MD"]);
  assert.deepEqual(fitting(texts, "new").map(([, name]) => name), ["d"]);
  assert.equal(fitting(Array.from({ length: 30 }, (_, n) => ["node", `${n}.md`]), "new.md").length, 20);
});

test("each that comes with the app says where to begin, in both languages", () => {
  for (const language of ["en", "zh-CN"]) {
    assert.equal(builtIn(language).length, 5);
    for (const { text } of builtIn(language)) {
      assert.equal(text.split("{{cursor}}").length, 2);
      assert.doesNotMatch(filled(text, { ...about, locale: language }).insert, /\{\{/);
    }
  }
});
