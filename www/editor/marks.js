// Commands that write Markdown: emphasis, links, lists and tasks.
//
// Each is a CodeMirror command over a state, so that a plain test can run it. In a text that
// is only read they do nothing.

import { ensureSyntaxTree } from "@codemirror/language";
import { EditorSelection } from "@codemirror/state";

const ADDRESS = /^https?:\/\/[^\s<>]+$/i;
const ITEM = /^(\s*)(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?/;
/** How long the text out of sight is parsed to find its tasks. */
const PARSE_MS = 200;
const TASK = /^(\s*(?:>\s*)*(?:[-*+]|\d+[.)])\s+\[)([ xX])\]/;

/** Sets a mark around what is selected, or around the word at the cursor; takes it away again. */
function marks(mark) {
  return ({ state, dispatch }) => {
    if (state.readOnly) return false;
    const length = mark.length;
    const change = state.changeByRange((range) => {
      const { from, to } = range.empty ? (state.wordAt(range.head) ?? range) : range;
      const outside =
        state.sliceDoc(from - length, from) === mark && state.sliceDoc(to, to + length) === mark;
      if (outside) {
        const changes = [
          { from: from - length, to: from },
          { from: to, to: to + length },
        ];
        return { changes, range: moved(range, -length) };
      }
      const text = state.sliceDoc(from, to);
      if (text.length > 2 * length && text.startsWith(mark) && text.endsWith(mark)) {
        const changes = { from, to, insert: text.slice(length, -length) };
        return { changes, range: EditorSelection.range(from, to - 2 * length) };
      }
      const changes = [
        { from, insert: mark },
        { from: to, insert: mark },
      ];
      return { changes, range: moved(range, length) };
    });
    dispatch(state.update(change, { userEvent: "input.mark", scrollIntoView: true }));
    return true;
  };
}

const moved = (range, by) => EditorSelection.range(range.anchor + by, range.head + by);

export const toggleBold = marks("**");
// With underscores, since one asterisk cannot be told from half of a bold mark.
export const toggleItalic = marks("_");

/** Makes a link of what is selected: of words, or to an address. */
export function makeLink({ state, dispatch }) {
  if (state.readOnly) return false;
  const change = state.changeByRange((range) => {
    const text = state.sliceDoc(range.from, range.to);
    const address = ADDRESS.test(text);
    const insert = address ? `[](${text})` : `[${text}]()`;
    const cursor = range.from + (address ? 1 : text.length + 3);
    return { changes: { from: range.from, to: range.to, insert }, range: EditorSelection.cursor(cursor) };
  });
  dispatch(state.update(change, { userEvent: "input.link", scrollIntoView: true }));
  return true;
}

/** An address that is pasted over words makes a link of them; anything else is for CodeMirror. */
export function pasteLink(state, pasted) {
  const { main, ranges } = state.selection;
  const text = state.sliceDoc(main.from, main.to);
  const plain = text && !text.includes("\n") && !ADDRESS.test(text);
  if (state.readOnly || ranges.length > 1 || !plain || !ADDRESS.test(pasted)) return null;
  const insert = `[${text}](${pasted})`;
  return state.update({
    changes: { from: main.from, to: main.to, insert },
    selection: { anchor: main.from + insert.length },
    userEvent: "input.paste",
    scrollIntoView: true,
  });
}

/** Makes the selected lines items of a list, or plain lines again when all of them are. */
function items(begin, isOne) {
  return ({ state, dispatch }) => {
    if (state.readOnly) return false;
    const lines = selectedLines(state);
    const written = lines.length > 1 ? lines.filter(({ text }) => text.trim()) : lines;
    const all = written.every(({ text }) => isOne(text));
    const changes = written.map(({ from, text }) => {
      const begun = ITEM.exec(text)?.[0] ?? /^\s*/.exec(text)[0];
      const indent = /^\s*/.exec(text)[0];
      return { from, to: from + begun.length, insert: indent + (all ? "" : begin) };
    });
    dispatch(state.update({ changes, userEvent: "input.list", scrollIntoView: true }));
    return true;
  };
}

export const toggleList = items("- ", (text) => ITEM.test(text) && !TASK.test(text));
export const toggleTasks = items("- [ ] ", (text) => TASK.test(text));

/** Ticks the tasks of the selected lines, or unticks them where all are done. */
export function tickTasks({ state, dispatch }) {
  const tasks = selectedLines(state)
    .map((line) => ({ line, task: TASK.exec(line.text) }))
    .filter(({ task }) => task);
  if (state.readOnly || tasks.length === 0) return false;
  const done = tasks.every(({ task }) => task[2] !== " ");
  const changes = tasks.map(({ line, task }) => {
    const at = line.from + task[1].length;
    return { from: at, to: at + 1, insert: done ? " " : "x" };
  });
  dispatch(state.update({ changes, userEvent: "input.tick" }));
  return true;
}

/**
 * Ticks or unticks one task of a text, as they are counted in its preview: the `nth` of `count`.
 *
 * Answers null where the text has another number of them: the preview is not of this text.
 */
export function tickTask(state, nth, count) {
  const tree = ensureSyntaxTree(state, state.doc.length, PARSE_MS);
  if (state.readOnly || !tree) return null;
  const tasks = [];
  tree.iterate({
    enter(node) {
      if (node.name === "TaskMarker") tasks.push(node.from + 1);
    },
  });
  if (tasks.length !== count) return null;
  const at = tasks[nth];
  const done = state.sliceDoc(at, at + 1) !== " ";
  return state.update({ changes: { from: at, to: at + 1, insert: done ? " " : "x" }, userEvent: "input.tick" });
}

function selectedLines({ doc, selection }) {
  const lines = new Map();
  for (const { from, to } of selection.ranges) {
    for (let at = from; at <= to; ) {
      const line = doc.lineAt(at);
      lines.set(line.number, line);
      at = line.to + 1;
    }
  }
  return [...lines.values()];
}
