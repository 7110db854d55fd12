// What other devices typed into the open text: shown where it stands, and taken back.
//
// One change set is kept that takes back all that was merged since the last `forget`, and
// nothing else: it is mapped over whatever is typed here meanwhile, as an undo is. Making
// it is an edit like any other, so nobody's history is written anew.

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";

/** Whose updates are other devices' (`rpc::CLIENT_OTHERS`). */
const OTHERS = "others";
/** How much of a deleted text is shown. */
const REMOVED_CHARS_MAX = 400;

/** Says that a transaction brings what other devices typed. */
const merge = StateEffect.define();
const show = StateEffect.define();
const forget = StateEffect.define();

/** Splits updates where other devices' begin or end; gives those an effect that says so. */
export function runsOf(updates) {
  const runs = [];
  for (const update of updates) {
    const others = update.clientID === OTHERS;
    if (runs.at(-1)?.others !== others) runs.push({ others, updates: [] });
    runs.at(-1).updates.push(others ? { ...update, effects: [merge.of(null)] } : update);
  }
  return runs.map((run) => run.updates);
}

class Removed extends WidgetType {
  constructor(text) {
    super();
    this.text = text;
  }
  eq(other) {
    return other.text === this.text;
  }
  toDOM() {
    const element = document.createElement("del");
    element.className = "cm-removed";
    element.textContent = this.text;
    return element;
  }
}

const inserted = Decoration.mark({ tagName: "ins", class: "cm-inserted" });

/** Marks what a change set would take back. */
function marksOf(inverse) {
  const marks = [];
  inverse.iterChanges((from, to, _from, _to, removed) => {
    if (removed.length > 0) {
      const rest = removed.length > REMOVED_CHARS_MAX ? "…" : "";
      const text = removed.sliceString(0, REMOVED_CHARS_MAX) + rest;
      marks.push(Decoration.widget({ widget: new Removed(text), side: -1 }).range(from));
    }
    if (to > from) marks.push(inserted.range(from, to));
  }, true);
  return Decoration.set(marks, true);
}

const nothing = { inverse: null, shown: false, marks: Decoration.none };

const field = StateField.define({
  create: () => nothing,
  update(value, transaction) {
    let { inverse, shown } = value;
    const has = (type) => transaction.effects.some((effect) => effect.is(type));
    if (transaction.docChanged && has(merge)) {
      const back = transaction.changes.invert(transaction.startState.doc);
      inverse = inverse ? back.compose(inverse) : back;
    } else if (transaction.docChanged && inverse) {
      inverse = inverse.map(transaction.changes);
    }
    for (const effect of transaction.effects) if (effect.is(show)) shown = effect.value;
    if (has(forget)) return nothing;
    if (inverse === value.inverse && shown === value.shown) return value;
    return { inverse, shown, marks: shown && inverse ? marksOf(inverse) : Decoration.none };
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.marks),
});

/** The extension that remembers what was merged. */
export const mergedEdits = field;

/** The transaction that shows or hides what was merged; shown, its first place is in sight. */
export function showMerged(state, shown) {
  const effects = [show.of(shown)];
  let first = null;
  state.field(field).inverse?.iterChangedRanges((from) => (first ??= from));
  if (!shown || first === null) return state.update({ effects });
  effects.push(EditorView.scrollIntoView(first, { y: "center" }));
  return state.update({ effects, selection: { anchor: first } });
}

/** The transaction that takes back what was merged, and forgets it; null if that is nothing. */
export function takeBackMerged(state) {
  const { inverse } = state.field(field);
  if (!inverse || inverse.empty) return null;
  return state.update({ changes: inverse, effects: forget.of(null), userEvent: "revert" });
}

/** The transaction after which what was merged so far is left alone. */
export function forgetMerged(state) {
  return state.update({ effects: forget.of(null) });
}
