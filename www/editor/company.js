// Where others are in the text: a cursor for each, with a name that fades, and what they have
// selected. Positions go along with what is typed here, until they are told anew.
//
// Knows no line to the engine, so that a plain test can run it.

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";

/** How many colours there are. */
const COLOURS = 6;

/** Says who is there: `{visit, device, name, anchor, head}` each, without the last two where those are not known. */
const tell = StateEffect.define();

class Cursor extends WidgetType {
  constructor({ visit, name, colour, moves }) {
    super();
    Object.assign(this, { visit, name, colour, moves });
  }
  // Another element begins to show its name anew, so it is another one for each move.
  eq(other) {
    return other.visit === this.visit && other.moves === this.moves && other.name === this.name;
  }
  toDOM() {
    const cursor = document.createElement("span");
    cursor.className = `visitor visitor-${this.colour}`;
    // The list says who is there; where they are all the time is too much to hear.
    cursor.setAttribute("aria-hidden", "true");
    // Drawn by the style, so that it is no part of the text for who copies or searches it.
    cursor.dataset.name = this.name;
    return cursor;
  }
  get estimatedHeight() {
    return -1;
  }
  ignoreEvent() {
    return true;
  }
}

const selections = Array.from({ length: COLOURS }, (_, colour) =>
  Decoration.mark({ class: `visitor-selection visitor-${colour}` }),
);

function marksOf(visitors) {
  const marks = [];
  for (const visitor of visitors) {
    if (visitor.head === undefined) continue;
    const { anchor, head, colour } = visitor;
    if (anchor !== head) marks.push(selections[colour].range(Math.min(anchor, head), Math.max(anchor, head)));
    marks.push(Decoration.widget({ widget: new Cursor(visitor), side: 1 }).range(head));
  }
  return Decoration.set(marks, true);
}

/** The same visitors with what was known of them before. */
function meet(before, visitors, length) {
  const colours = new Map(before.map(({ device, colour }) => [device, colour]));
  const bounded = (at) => Math.min(at, length);
  return visitors.map(({ visit, device, name, anchor, head }) => {
    if (!colours.has(device)) {
      const taken = new Set(colours.values());
      const free = Array.from({ length: COLOURS }, (_, colour) => colour).find((colour) => !taken.has(colour));
      colours.set(device, free ?? colours.size % COLOURS);
    }
    const known = before.find((one) => one.visit === visit);
    // What it stands before is not here yet: it stays where it was.
    if (head === undefined) [anchor, head] = [known?.anchor, known?.head];
    else [anchor, head] = [bounded(anchor), bounded(head)];
    const moves = (known?.moves ?? 0) + (known?.head === head && known?.anchor === anchor ? 0 : 1);
    return { visit, device, name, anchor, head, moves, colour: colours.get(device) };
  });
}

const nobody = { visitors: [], marks: Decoration.none };

const field = StateField.define({
  create: () => nobody,
  update(value, transaction) {
    let { visitors } = value;
    if (transaction.docChanged && visitors.length > 0) {
      const map = (at) => (at === undefined ? at : transaction.changes.mapPos(at, 1));
      visitors = visitors.map((one) => ({ ...one, anchor: map(one.anchor), head: map(one.head) }));
    }
    for (const effect of transaction.effects) {
      if (effect.is(tell)) visitors = meet(visitors, effect.value, transaction.newDoc.length);
    }
    if (visitors === value.visitors) return value;
    return { visitors, marks: marksOf(visitors) };
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.marks),
});

/** The transaction after which these are there, and nobody else. */
export const tellCompany = (state, visitors) => state.update({ effects: tell.of(visitors) });

/** Who is there. */
export const companyOf = (state) => state.field(field).visitors;

/** Two letters for a name, or one. */
export function initialsOf(name) {
  const words = name.split(/\s+/).filter(Boolean);
  const first = (word) => [...word][0].toUpperCase();
  return words.length > 1 ? first(words[0]) + first(words.at(-1)) : words.length ? first(words[0]) : "?";
}

const hues = ["--accent", "--code-keyword", "--warn", "--code-type", "--good", "--danger"];

const looks = EditorView.baseTheme({
  ...Object.fromEntries(hues.map((hue, colour) => [`.visitor-${colour}`, { "--visitor": `var(${hue})` }])),
  ".visitor": {
    position: "relative",
    display: "inline-block",
    width: "0",
    height: "1.2em",
    verticalAlign: "text-bottom",
    outline: "1px solid var(--visitor)",
  },
  ".visitor::after": {
    content: "attr(data-name)",
    position: "absolute",
    bottom: "100%",
    left: "-1px",
    zIndex: "5",
    padding: "0 var(--space-1)",
    font: "var(--text-xxs) / 1.4 var(--font)",
    whiteSpace: "nowrap",
    color: "var(--surface)",
    backgroundColor: "var(--visitor)",
    borderRadius: "3px 3px 3px 0",
    pointerEvents: "none",
    animation: "visitor-fades 400ms 2s forwards",
  },
  // There is no room above the first line.
  ".cm-line:first-child .visitor::after": { bottom: "auto", top: "100%", borderRadius: "0 3px 3px 3px" },
  "@media (prefers-reduced-motion: reduce)": { ".visitor::after": { animationDuration: "0s" } },
  ".visitor-selection": { backgroundColor: "color-mix(in srgb, var(--visitor) 24%, transparent)" },
  "@keyframes visitor-fades": { to: { opacity: "0" } },
});

/** The extension that shows where others are. */
export const company = [field, looks];
