// Which highlighting a file name gets.
//
// The languages people open most are part of the bundle, so that they work with
// no network from the first start on. All others are chunks of their own, fetched when a
// file first asks for one, and stored when the page has nothing to do; where one is not
// there yet and cannot be fetched, the text stays plain.

import { css } from "@codemirror/lang-css";
import { html } from "@codemirror/lang-html";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { markdown, markdownLanguage } from "@codemirror/lang-markdown";
import { python } from "@codemirror/lang-python";
import { rust } from "@codemirror/lang-rust";
import { LanguageDescription } from "@codemirror/language";
import { languages as known } from "@codemirror/language-data";

const bundled = [
  LanguageDescription.of({ name: "CSS", extensions: ["css"], support: css() }),
  LanguageDescription.of({ name: "HTML", extensions: ["html", "htm", "xhtml"], support: html() }),
  LanguageDescription.of({
    name: "JavaScript",
    alias: ["js", "ecmascript", "node"],
    extensions: ["js", "mjs", "cjs", "jsx"],
    support: javascript({ jsx: true }),
  }),
  LanguageDescription.of({
    name: "TypeScript",
    alias: ["ts"],
    extensions: ["ts", "mts", "cts"],
    support: javascript({ typescript: true }),
  }),
  LanguageDescription.of({
    name: "TSX",
    extensions: ["tsx"],
    support: javascript({ jsx: true, typescript: true }),
  }),
  LanguageDescription.of({
    name: "JSON",
    alias: ["json5"],
    extensions: ["json", "map", "webmanifest"],
    support: json(),
  }),
  LanguageDescription.of({ name: "Python", alias: ["py"], extensions: ["py", "pyw"], support: python() }),
  LanguageDescription.of({ name: "Rust", alias: ["rs"], extensions: ["rs"], support: rust() }),
];

const bundledNames = new Set([...bundled.map((language) => language.name), "JSX", "Markdown"]);

/** Languages that CodeMirror's own list lacks. */
const added = [
  LanguageDescription.of({
    name: "Elixir",
    extensions: ["ex", "exs"],
    load: async () => (await import("codemirror-lang-elixir")).elixir(),
  }),
  LanguageDescription.of({
    name: "Makefile",
    alias: ["make"],
    extensions: ["mk"],
    filename: /^(gnu)?makefile$/i,
    load: async () => (await import("codemirror-lang-makefile")).makefile(),
  }),
  LanguageDescription.of({
    name: "Nix",
    extensions: ["nix"],
    load: async () => (await import("@replit/codemirror-lang-nix")).nix(),
  }),
  LanguageDescription.of({
    name: "Svelte",
    extensions: ["svelte"],
    load: async () => (await import("@replit/codemirror-lang-svelte")).svelte(),
  }),
  LanguageDescription.of({
    name: "Terraform",
    alias: ["hcl"],
    extensions: ["tf", "tfvars", "hcl"],
    load: async () => (await import("codemirror-lang-hcl")).hcl(),
  }),
  LanguageDescription.of({
    name: "Zig",
    extensions: ["zig", "zon"],
    load: async () => (await import("codemirror-lang-zig")).zig(),
  }),
];

const languages = [...bundled, ...added, ...known.filter((language) => !bundledNames.has(language.name))];

/** Extensions, and whole names without one, that the list gives to nobody or to something rarer. */
const meant = {
  asm: "Gas",
  bashrc: "Shell",
  cfg: "Properties files",
  conf: "Properties files",
  dockerfile: "Dockerfile",
  env: "Properties files",
  fish: "Shell",
  gemspec: "Ruby",
  gitignore: "Properties files",
  hrl: "Erlang",
  ipynb: "JSON",
  json5: "JSON",
  jsonc: "JSON",
  jsonl: "JSON",
  m: "Objective-C",
  plist: "XML",
  pyi: "Python",
  rake: "Ruby",
  sbt: "Scala",
  sty: "LaTeX",
  text: null,
  xslt: "XML",
  zsh: "Shell",
};

const markdownSupport = markdown({
  base: markdownLanguage,
  codeLanguages: languageNamed,
  // Typing `<` must not offer tags: raw HTML is shown as text in the preview.
  completeHTMLTags: false,
});

const markdownName = /\.(md|markdown|mkd|mdown)$/i;

/** Whether a file is Markdown, by its name. */
export const isMarkdown = (fileName) => markdownName.test(fileName);

/** Whether a file is an HTML page, by its name. */
export const isPage = (fileName) => /\.(html?|xhtml)$/i.test(fileName);

/**
 * Finds the language of a file by its name.
 *
 * Resolves to an extension, or to null for plain text; never rejects.
 */
export async function languageOf(fileName) {
  return isMarkdown(fileName) ? markdownSupport : supportOf(describe(fileName));
}

/** The language of a file if it needs no loading, else null. */
export function languageAtOnce(fileName) {
  if (isMarkdown(fileName)) return markdownSupport;
  return describe(fileName)?.support ?? null;
}

/** The language that a block of code in Markdown names, by its name or by an extension; else null. */
export function languageNamed(info) {
  const name = /^[^\s,{]*/.exec(info)[0].toLowerCase();
  if (!name) return null;
  return LanguageDescription.matchLanguageName(languages, name, false) ?? describe(`x.${name}`);
}

/** What colours texts of a language, fetched if need be; null where it is not to be had. */
export async function supportOf(description) {
  try {
    return description && (await description.load());
  } catch {
    // Offline, and this language was not stored yet.
    return null;
  }
}

function describe(fileName) {
  const whole = languages.find(({ filename }) => filename?.test(fileName));
  if (whole) return whole;
  const extension = fileName.toLowerCase().split(".").at(-1);
  if (!Object.hasOwn(meant, extension)) return LanguageDescription.matchFilename(languages, fileName);
  return languages.find(({ name }) => name === meant[extension]) ?? null;
}
