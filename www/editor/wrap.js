// Whether long lines wrap; each browser remembers it for all texts.

import { Compartment } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

const KEY = "offing.wraps";

/** Lines that wrap or not: `{extension, isOn(state), toggle(view)}`. */
export function wrapping() {
  const place = new Compartment();
  const wraps = [EditorView.lineWrapping];
  const isOn = (state) => place.get(state) === wraps;
  return {
    extension: place.of(localStorage.getItem(KEY) === "no" ? [] : wraps),
    isOn,
    toggle(view) {
      const on = !isOn(view.state);
      if (on) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, "no");
      view.dispatch({ effects: place.reconfigure(on ? wraps : []) });
      return true;
    },
  };
}
