// A workbook: its sheets as tabs, and the cells of one.

import { fill } from "../texts.js";
import { Cells } from "./cells.js";
import { focusable, make } from "./dom.js";

export async function sheet(shown) {
  const { root, about, ask, texts, line } = shown;
  const note = make("p", { class: "note", role: "status" });
  const body = make("div", { class: "sheet-body", role: "tabpanel" });
  const tabs = about.sheets.map((name, index) =>
    make("button", { type: "button", role: "tab", class: "sheet-tab", title: name, click: () => open(index) }, name),
  );
  root.append(note, body, make("div", { class: "sheet-tabs", role: "tablist", "aria-label": texts.sheets }, ...tabs));
  let chosen = 0;
  let grid = null;

  const failed = ({ reason }) => line.ask("failed", { reason: reason ?? "crash" });
  const read = async (start, end) => {
    const { data } = await ask({ rows: { start, end } });
    const rows = new Map();
    for (const [number, cells] of data.rows) rows.set(number, [...(rows.get(number) ?? []), ...cells]);
    return { rows, merges: data.merges };
  };

  async function open(index) {
    chosen = index;
    tabs.forEach((tab, place) => {
      tab.setAttribute("aria-selected", String(place === index));
      tab.tabIndex = place === index ? 0 : -1;
    });
    tabs[index].scrollIntoView({ block: "nearest", inline: "nearest" });
    body.replaceChildren();
    grid = null;
    note.textContent = texts.loading;
    try {
      const { data } = await ask({ sheet: { index } });
      if (chosen !== index) return;
      note.textContent = data.rows ? (data.cut ? texts.more : "") : texts.emptySheet;
      if (!data.rows) return;
      const { rows, widths } = data;
      const label = `${about.sheets[index]}, ${fill(texts.tableOf, { rows, columns: widths.length })}`;
      grid = new Cells({ rows, widths, label, read, texts, failed });
      body.append(grid.bar, grid.element);
    } catch (error) {
      if (chosen === index && error.reason !== "ended") note.textContent = texts[error.reason] ?? texts.crash;
    }
  }

  root.addEventListener("keydown", (event) => {
    grid?.key(event);
    const { key, ctrlKey, target } = event;
    const onTabs = target.role === "tab" && { ArrowLeft: -1, ArrowRight: 1 }[key];
    const step = onTabs || (ctrlKey && { PageUp: -1, PageDown: 1 }[key]);
    if (!step) return;
    event.preventDefault();
    const next = tabs[chosen + step];
    next?.click();
    if (onTabs) next?.focus();
  });
  if (tabs.length) await open(0);
  else note.textContent = texts.emptySheet;
  focusable(root).focus();
}
