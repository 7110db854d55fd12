import assert from "node:assert/strict";
import { test } from "node:test";

import { highlightTree } from "@lezer/highlight";

import { colours } from "./colours.js";
import { languageNamed, languageOf, supportOf } from "./languages.js";

/** The fifty that people use most, and some that others need: a file of each, and a line of it. */
const LANGUAGES = [
  ["a.asm", "mov eax, 1 ; one"],
  ["a.c", "int main(void) { return 0; }"],
  ["a.hpp", "class A { public: int b; };"],
  ["a.cs", 'public class A { string b = "c"; }'],
  ["a.clj", '(defn a [b] "c")'],
  ["CMakeLists.txt", "set(A b) # c"],
  ["a.coffee", 'a = -> "b" if true'],
  ["a.cr", 'def a; "b"; end'],
  ["a.css", "a { color: red; }"],
  ["a.d", 'void main() { auto a = "b"; }'],
  ["a.dart", "void main() { var a = 'b'; }"],
  ["a.diff", "+a"],
  ["Dockerfile", "FROM debian"],
  ["a.exs", 'defmodule A do def b, do: "c" end'],
  ["a.elm", 'a = "b"'],
  ["a.erl", "-module(a)."],
  ["a.f95", "program a"],
  ["a.fish", 'if test "$a"; echo b; end'],
  ["a.fs", "let a = 1"],
  ["a.go", "package main"],
  ["a.groovy", 'def a = "b"'],
  ["a.hs", 'main = putStrLn "a"'],
  ["a.tf", 'variable "a" { default = true }'],
  ["a.html", "<p class=a>b</p>"],
  ["a.ini", "a=b"],
  ["a.java", "class A { int b = 1; }"],
  ["a.mjs", "const a = 1;"],
  ["a.jsx", "const a = <b>c</b>;"],
  ["a.json", '{"a": 1}'],
  ["a.jl", 'function a() "b" end'],
  ["a.kt", 'fun main() { val a = "b" }'],
  ["a.tex", "\\section{a} % b"],
  ["a.less", "@a: red; b { color: @a; }"],
  ["a.lisp", '(defun a () "b")'],
  ["a.lua", 'local a = "b"'],
  ["Makefile", "a: b # c"],
  ["a.md", "# A"],
  ["a.m", "@interface A : B"],
  ["a.ml", "let a = 1"],
  ["nginx.conf", "server { listen 80; }"],
  ["a.nix", '{ a = "b"; }'],
  ["a.pas", "begin end."],
  ["a.php", '<?php $a = "b";'],
  ["a.pl", 'my $a = "b";'],
  ["a.proto", 'syntax = "proto3";'],
  ["a.ps1", 'function A { "b" }'],
  ["a.pyw", "def a(): return 1"],
  ["a.r", "a <- function(b) TRUE"],
  ["a.rb", "def a; 'b'; end"],
  ["a.rs", "fn main() {}"],
  ["a.sass", "a\n  color: red"],
  ["a.scala", 'val a = "b"'],
  ["a.scm", '(define a "b")'],
  ["a.scss", "$a: red; b { color: $a; }"],
  ["a.zsh", 'if true; then echo "a"; fi'],
  ["a.sql", "select a from b"],
  ["a.styl", "a { color: red }"],
  ["a.svelte", "<script>let a = 1;</script>"],
  ["a.swift", 'let a = "b"'],
  ["a.tcl", 'set a "b"'],
  ["a.toml", 'a = "b"'],
  ["a.cts", "const a: number = 1;"],
  ["a.tsx", "const a: B = <b>c</b>;"],
  ["a.vb", "Dim a As String"],
  ["a.sv", "module a; endmodule"],
  ["a.vhd", "entity a is end;"],
  ["a.vue", "<template><p>a</p></template>"],
  ["a.wat", "(module (func))"],
  ["a.xsl", "<a b='c'/>"],
  ["a.yml", "a: true"],
  ["a.zig", "const a = 1;"],
];

/** The pieces of a text that a language's colours fall on. */
function coloured({ language }, text) {
  const pieces = [];
  highlightTree(language.parser.parse(text), colours, (from, to) => pieces.push(text.slice(from, to)));
  return pieces;
}

test("the languages that people use most have colours", async () => {
  assert.ok(LANGUAGES.length >= 50);
  for (const [name, line] of LANGUAGES) {
    const support = await languageOf(name);
    assert.ok(support, name);
    assert.notDeepEqual(coloured(support, line), [], name);
  }
});

test("what two languages call theirs goes to the one that is meant", async () => {
  const languageOfFile = async (name) => (await languageOf(name))?.language.name;
  assert.equal(await languageOfFile("notes.text"), undefined);
  assert.equal(await languageOfFile("notes.txt"), undefined);
  assert.equal(await languageOfFile("a.unheard"), undefined);
  const properties = await languageOf("server.cfg");
  assert.deepEqual(coloured(properties, "[a]").length, 1);
});

test("a block of code says its language by name or extension, with what else it says", async () => {
  for (const info of ["rust", "rs", "Rust", "rust,ignore", "rust {.numbered}", "kt", "c++", "sh", "js title=a"]) {
    assert.ok(await supportOf(languageNamed(info)), info);
  }
  for (const info of ["", "text", "mermaid", "{.a}"]) assert.equal(languageNamed(info), null, info);
});
