// The bar above the text: what a keyboard does by keys, for fingers and for whoever looks for it.

import { openSearchPanel } from "@codemirror/search";
import { EditorView, keymap, showPanel } from "@codemirror/view";

import { makeLink, toggleBold, toggleItalic, toggleList, toggleTasks } from "./marks.js";
import { outlinePanel } from "./outline_panel.js";
import { insertTable } from "./tables.js";

/**
 * The bar of a text, with its outline.
 *
 * `texts` are those of `texts.js`, `wraps` is `{isOn(state), toggle(view)}`, and with `markdown`
 * there are the tools that write it, with `addFiles` one that takes files. With `company`, which is
 * `{tool, list}`, it says who else is there.
 */
export function bar({ texts, wraps, markdown, addFiles, company }) {
  const outline = outlinePanel(texts);
  const writing = [
    { icon: "bold", name: texts.bold, key: "Mod-b", run: toggleBold },
    { icon: "italic", name: texts.italic, key: "Mod-i", run: toggleItalic },
    { icon: "link", name: texts.link, key: "Mod-k", run: makeLink },
    { icon: "list", name: texts.list, key: "Mod-Shift-8", run: toggleList },
    { icon: "list-checks", name: texts.tasks, key: "Mod-Shift-9", run: toggleTasks },
    { icon: "table", name: texts.table, run: insertTable(texts.newTable) },
    ...(addFiles ? [{ icon: "file-image", name: texts.addFiles, run: addFiles, leaves: true }] : []),
  ].map((tool) => ({ ...tool, writes: true }));
  // The outline and the search take the focus themselves; the search has its key already.
  const looking = [
    { icon: "list-tree", name: texts.outline, key: "Mod-Shift-o", run: outline.toggle, isOn: outline.isOpen, leaves: true },
    { icon: "search", name: texts.find, shows: "Mod-f", run: openSearchPanel, leaves: true },
    { icon: "wrap-text", name: texts.wrap, key: "Alt-z", run: wraps.toggle, isOn: wraps.isOn },
    ...(company ? [company.tool] : []),
  ];
  const tools = [...(markdown ? writing : []), ...looking];
  const keys = tools.filter(({ key }) => key).map(({ key, run }) => ({ key, run, preventDefault: true }));
  const panel = (view) => toolbar(view, texts.bar, tools, company?.list);
  return [showPanel.of(panel), outline.extension, keymap.of(keys), looks];
}

function toolbar(view, label, tools, list) {
  const dom = document.createElement("div");
  dom.className = "bar";
  dom.setAttribute("role", "toolbar");
  dom.setAttribute("aria-label", label);
  const buttons = tools.map((tool) => button(tool, view));
  const show = (state) => {
    for (const [at, { writes, isOn }] of tools.entries()) {
      buttons[at].disabled = Boolean(writes) && state.readOnly;
      if (isOn) buttons[at].setAttribute("aria-pressed", String(isOn(state)));
    }
  };
  dom.append(...buttons, ...(list ? [list] : []));
  walksTools(dom, buttons);
  show(view.state);
  return { dom, top: true, update: ({ state }) => show(state) };
}

function button({ icon, name, key, shows = key, run, leaves }, view) {
  const tool = document.createElement("button");
  tool.type = "button";
  tool.setAttribute("aria-label", name);
  tool.title = shows ? `${name} (${keyName(shows)})` : name;
  tool.addEventListener("click", () => {
    run(view);
    if (!leaves) view.focus();
  });
  // The selection in the text is what the tool is about; a finger must not take it away.
  tool.addEventListener("pointerdown", (event) => event.preventDefault());
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${icon}`);
  svg.append(use);
  tool.append(svg);
  return tool;
}

function keyName(key) {
  const apple = /Mac|iP(hone|ad|od)/.test(navigator.platform);
  const names = apple ? { Mod: "⌘", Shift: "⇧", Alt: "⌥" } : { Mod: "Ctrl", Shift: "Shift", Alt: "Alt" };
  const parts = key.split("-").map((part) => names[part] ?? part.toUpperCase());
  return parts.join(apple ? "" : "+");
}

/** One tool is reached by Tab, the others by arrow keys, as toolbars have it. */
function walksTools(dom, tools) {
  const reach = (tool) => {
    for (const one of tools) one.tabIndex = one === tool ? 0 : -1;
  };
  reach(tools[0]);
  dom.addEventListener("focusin", ({ target }) => reach(target));
  dom.addEventListener("keydown", (event) => {
    const usable = tools.filter((tool) => !tool.disabled);
    const at = usable.indexOf(event.target);
    const last = usable.length - 1;
    const to = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    usable[to].focus();
  });
}

const looks = EditorView.baseTheme({
  ".bar": {
    display: "flex",
    gap: "2px",
    padding: "var(--space-1) var(--space-2)",
    overflowX: "auto",
    scrollbarWidth: "none",
  },
  ".bar button": {
    flex: "none",
    display: "grid",
    placeItems: "center",
    width: "36px",
    height: "32px",
    padding: "0",
    color: "var(--ink-soft)",
    background: "none",
    border: "0",
    borderRadius: "var(--radius-sm)",
  },
  "@media (pointer: coarse)": { ".bar button": { width: "44px", height: "44px" } },
  ".bar button:hover": { color: "var(--ink)", backgroundColor: "var(--hover-veil)" },
  ".bar button:disabled": { opacity: "0.4" },
  ".bar button[aria-pressed=true]": { color: "var(--accent)", backgroundColor: "var(--selection)" },
  ".bar button:focus-visible": {
    outline: "2px solid var(--accent)",
    outlineOffset: "-2px",
  },
  ".bar svg": { width: "18px", height: "18px", fill: "none", stroke: "currentColor" },
});
