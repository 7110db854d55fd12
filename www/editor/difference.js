// The difference between two texts, for reading: one text, what went struck out in it.

import { unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightSpecialChars, lineNumbers } from "@codemirror/view";

import { languageAtOnce } from "./languages.js";
import { theme } from "./theme.js";

/**
 * Shows inside `parent` how `before` (string) became `after` (string); both may be equal.
 * `fileName` decides the language, `label` is the accessible name, `unchanged` says
 * "$ unchanged lines" where many are folded away.
 *
 * Returns `destroy()`.
 */
export function createDifference({ parent, before, after, fileName, label, unchanged }) {
  const host = document.createElement("div");
  host.className = "editor-host";
  const root = host.attachShadow({ mode: "open" });
  parent.append(host);
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: after,
      extensions: [
        EditorState.lineSeparator.of("\n"),
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorState.phrases.of({ "$ unchanged lines": unchanged }),
        // It scrolls, so keys must reach it.
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
        EditorView.lineWrapping,
        highlightSpecialChars(),
        lineNumbers(),
        languageAtOnce(fileName) ?? [],
        theme,
        unifiedMergeView({
          original: before,
          mergeControls: false,
          collapseUnchanged: { margin: 2, minSize: 6 },
          diffConfig: { scanLimit: 1000, timeout: 500 },
        }),
      ],
    }),
  });
  return {
    destroy() {
      view.destroy();
      host.remove();
    },
  };
}
