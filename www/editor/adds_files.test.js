import assert from "node:assert/strict";
import { test } from "node:test";

import { freeName, linkTo, nameOf } from "./adds_files.js";
import { pathOf } from "./shows_files.js";

test("a link to a file is the names on the way to it", () => {
  assert.deepEqual(pathOf("cat.png"), ["cat.png"]);
  assert.deepEqual(pathOf("../shots/a%20cat.png?x#y"), ["..", "shots", "a cat.png"]);
  assert.deepEqual(pathOf("/top.md"), ["", "top.md"]);
  assert.deepEqual(pathOf("shots//cat.png"), ["shots", "cat.png"]);
});

test("what goes elsewhere, or to a place in the text, is no file", () => {
  for (const link of ["https://a.b/c.png", "mailto:a@b", "//a.b/c.png", "#part", "", "bad%zz.png"]) {
    assert.equal(pathOf(link), null, link);
  }
});

test("a picture is shown and another file linked, whatever its name has in it", () => {
  assert.equal(linkTo({ name: "cat.png", type: "image/png" }), "![cat](cat.png)");
  assert.equal(linkTo({ name: "plan.pdf", type: "application/pdf" }), "[plan](plan.pdf)");
  const odd = linkTo({ name: "50% [of] (a) #1.png", type: "image/png" });
  assert.equal(odd, "![50% \\[of\\] (a) #1](50%25%20[of]%20%28a%29%20%231.png)");
  assert.deepEqual(pathOf(/\(([^)]*)\)$/.exec(odd)[1]), ["50% [of] (a) #1.png"]);
});

test("a name that exists gets a number", async () => {
  const there = new Set(["cat.png", "cat-2.png", "README"]);
  const has = async (name) => there.has(name);
  assert.equal(await freeName("dog.png", has), "dog.png");
  assert.equal(await freeName("cat.png", has), "cat-3.png");
  assert.equal(await freeName("README", has), "README-2");
});

test("a copied picture is called by its moment", () => {
  const now = new Date(2026, 10, 6, 9, 5, 7);
  assert.equal(nameOf({ name: "image.png" }, now, "picture"), "picture-2026-11-06-090507.png");
  assert.equal(nameOf({ name: "cat.png" }, now, "picture"), "cat.png");
});
