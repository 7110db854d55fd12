// How the editor looks: only the page's design tokens, so that light and dark,
// contrast and type size are decided in one place (`styles/tokens.css`). Custom
// properties reach through the editor's shadow root.

import { syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";

import { colours } from "./colours.js";

const frame = EditorView.theme({
  "&": {
    height: "100%",
    color: "var(--ink)",
    backgroundColor: "var(--surface)",
    fontSize: "var(--text-md)",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.6" },
  ".cm-content": { padding: "var(--space-3) 0", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 var(--space-4)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  ".cm-gutters": {
    color: "var(--ink-faint)",
    backgroundColor: "var(--surface)",
    borderRight: "1px solid var(--line)",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover-veil)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-content ::selection": { backgroundColor: "var(--selection)" },
  ".cm-selectionMatch": { backgroundColor: "var(--mark)" },
  ".cm-searchMatch": { backgroundColor: "var(--mark)", outline: "1px solid var(--line-strong)" },
  ".cm-searchMatch.cm-searchMatch-selected": { backgroundColor: "var(--selection)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--mark)" },
  "&.cm-focused .cm-nonmatchingBracket": { color: "var(--danger)" },
  ".cm-inserted": { textDecoration: "none", backgroundColor: "var(--good-veil)" },
  ".cm-removed": { whiteSpace: "pre-wrap", color: "var(--danger)", backgroundColor: "var(--danger-veil)" },
  "&.cm-editor .cm-changedLine, &.cm-editor .cm-insertedLine": { backgroundColor: "var(--good-veil)" },
  "&.cm-editor .cm-deletedChunk": { paddingLeft: "var(--space-4)", backgroundColor: "var(--danger-veil)" },
  "&.cm-editor .cm-changedText": { background: "color-mix(in srgb, var(--good) 22%, transparent)" },
  "&.cm-editor .cm-deletedChunk .cm-deletedText": {
    background: "color-mix(in srgb, var(--danger) 22%, transparent)",
    textDecoration: "line-through",
  },
  "&.cm-editor .cm-collapsedLines": {
    fontFamily: "var(--font)",
    fontSize: "var(--text-sm)",
    color: "var(--ink-soft)",
    background: "var(--surface-sunk)",
  },
  // The sign that stands there has no glyph in many fonts.
  "&.cm-editor .cm-collapsedLines:before, &.cm-editor .cm-collapsedLines:after": { content: '"⋯"' },
  ".cm-panels": { color: "var(--ink)", backgroundColor: "var(--surface-raised)" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "var(--space-2) var(--space-3)", fontFamily: "var(--font)" },
  ".cm-textfield": {
    minHeight: "32px",
    color: "var(--ink)",
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-sm)",
  },
  ".cm-button": {
    minHeight: "32px",
    color: "var(--ink)",
    backgroundColor: "var(--surface)",
    backgroundImage: "none",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-sm)",
  },
  ".cm-tooltip": {
    color: "var(--ink)",
    backgroundColor: "var(--surface-raised)",
    border: "1px solid var(--line)",
    borderRadius: "var(--radius-sm)",
    boxShadow: "var(--shadow-2)",
  },
  ".cm-foldPlaceholder": {
    color: "var(--ink-soft)",
    backgroundColor: "var(--surface-raised)",
    border: "1px solid var(--line)",
  },
});

/** The editor's look, for light and dark alike. */
export const theme = [frame, syntaxHighlighting(colours)];
