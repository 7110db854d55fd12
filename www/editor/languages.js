// Which highlighting a file name gets.
//
// The languages people open most are part of the bundle, so that they work with
// no network from the first start on. All others are chunks of their own, fetched
// when a file first asks for one; where that fails the text stays plain.

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

const languages = [...bundled, ...known.filter((language) => !bundledNames.has(language.name))];

const markdownSupport = markdown({
  base: markdownLanguage,
  codeLanguages: languages,
  // Typing `<` must not offer tags: raw HTML is shown as text in the preview.
  completeHTMLTags: false,
});

const markdownName = /\.(md|markdown|mkd|mdown)$/i;

/** Whether a file is Markdown, by its name. */
export const isMarkdown = (fileName) => markdownName.test(fileName);

/**
 * Finds the language of a file by its name.
 *
 * Resolves to an extension, or to null for plain text; never rejects.
 */
export async function languageOf(fileName) {
  const bundledOrNull = languageAtOnce(fileName);
  if (bundledOrNull) return bundledOrNull;
  const description = LanguageDescription.matchFilename(languages, fileName);
  if (!description) return null;
  try {
    return await description.load();
  } catch {
    // Offline, and this language was never fetched.
    return null;
  }
}

/** The language of a file if it needs no loading, else null. */
export function languageAtOnce(fileName) {
  if (isMarkdown(fileName)) return markdownSupport;
  return LanguageDescription.matchFilename(bundled, fileName)?.support ?? null;
}
