// The outline, shown above the text: a list that is walked by keys, and follows the cursor.

import { StateEffect, StateField } from "@codemirror/state";
import { EditorView, showPanel } from "@codemirror/view";

import { outlineOf, placeAt } from "./outline.js";

/** How long typing rests before the outline is made anew: the whole text is looked at. */
const REST_MS = 300;

/**
 * An outline that can be opened: `{extension, isOpen(state), toggle(view)}`.
 *
 * `texts` are those of `texts.js`.
 */
export function outlinePanel(texts) {
  const setOpen = StateEffect.define();
  const open = StateField.define({
    create: () => false,
    update: (is, { effects }) => effects.findLast((effect) => effect.is(setOpen))?.value ?? is,
    provide: (field) => showPanel.from(field, (is) => (is ? (view) => panel(view, texts, toggle) : null)),
  });
  function toggle(view) {
    const opens = !view.state.field(open);
    view.dispatch({ effects: setOpen.of(opens) });
    if (!opens) view.focus();
    return true;
  }
  return { extension: [open, looks], isOpen: (state) => state.field(open), toggle };
}

function panel(view, texts, close) {
  const dom = document.createElement("div");
  dom.className = "outline";
  const list = document.createElement("ul");
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", texts.outline);
  list.tabIndex = 0;
  dom.append(list);
  let places = [];
  let chosen = -1;
  const choose = (at) => {
    chosen = Math.max(0, Math.min(places.length - 1, at));
    for (const [n, line] of [...list.children].entries()) {
      line.setAttribute("aria-selected", String(n === chosen));
      if (n === chosen) {
        list.setAttribute("aria-activedescendant", line.id);
        line.scrollIntoView({ block: "nearest" });
      }
    }
  };
  const go = (at, leave) => {
    const place = places[at];
    if (!place) return;
    view.dispatch({
      selection: { anchor: place.from },
      effects: EditorView.scrollIntoView(place.from, { y: "start", yMargin: 24 }),
    });
    if (leave) view.focus();
  };
  const draw = () => {
    places = outlineOf(view.state);
    const lines = places.map(({ level, name }, at) => {
      const line = document.createElement("li");
      line.id = `place-${at}`;
      line.setAttribute("role", "option");
      line.style.setProperty("--level", level - 1);
      line.textContent = name;
      return line;
    });
    list.replaceChildren(...lines);
    list.hidden = places.length === 0;
    dom.toggleAttribute("data-empty", places.length === 0);
    dom.dataset.says = places.length === 0 ? texts.noOutline : "";
    choose(placeAt(places, view.state, view.state.selection.main.head));
  };
  list.addEventListener("click", ({ target }) => {
    const at = [...list.children].indexOf(target.closest("li"));
    choose(at);
    go(at, true);
  });
  list.addEventListener("keydown", (event) => {
    const last = places.length - 1;
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      choose(to);
      go(chosen, false);
    } else if (event.key === "Enter") {
      go(chosen, true);
    } else if (event.key === "Escape") {
      close(view);
    } else {
      return;
    }
    event.preventDefault();
  });
  let waiting = 0;
  draw();
  return {
    dom,
    top: true,
    mount: () => list.focus(),
    update(update) {
      if (update.docChanged) {
        clearTimeout(waiting);
        waiting = setTimeout(draw, REST_MS);
      } else if (update.selectionSet && view.hasFocus) {
        choose(placeAt(places, update.state, update.state.selection.main.head));
      }
    },
    destroy: () => clearTimeout(waiting),
  };
}

const looks = EditorView.baseTheme({
  ".outline ul:focus-visible": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".outline": { maxHeight: "38vh", overflowY: "auto", borderTop: "1px solid var(--line)" },
  ".outline[data-empty]::after": {
    content: "attr(data-says)",
    display: "block",
    padding: "var(--space-3) var(--space-4)",
    fontFamily: "var(--font)",
    color: "var(--ink-soft)",
  },
  ".outline ul": { margin: "0", padding: "var(--space-1) 0", listStyle: "none", fontFamily: "var(--font)" },
  ".outline li": {
    padding: "6px var(--space-4)",
    paddingLeft: "calc(var(--space-4) + var(--level) * 16px)",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    cursor: "pointer",
  },
  ".outline li:hover": { backgroundColor: "var(--hover-veil)" },
  ".outline li[aria-selected=true]": { backgroundColor: "var(--selection)" },
});
