// What a PDF says of itself, in its details. Its module reads it, in the sandbox of previews; what
// that answers becomes text and nothing else.

import { READ } from "../editor/asks.js";
import { saidOf } from "../viewer/said.js";
import { textsOf } from "../viewer/texts.js";

/**
 * Fills a section of the details.
 *
 * - `name`: the file's;
 * - `beside(what, about)`: what the page does beside it (`client/src/editor/beside.rs`);
 * - `add(facts, name, value)`, `make(tag, className, text)`.
 */
export async function showsDocument(section, { name, beside, add, make }) {
  const texts = textsOf(document.documentElement.lang);
  const facts = make("dl", "key-list");
  facts.setAttribute("aria-busy", "true");
  const note = make("p", "hint");
  note.setAttribute("role", "status");
  section.append(make("h3", "", texts.document), facts, note);
  try {
    const viewer = await import(document.documentElement.dataset.viewer);
    const file = await beside(READ, [name]);
    if (!file) return (note.textContent = texts.away);
    const { open } = await viewer.saidBy({ name: file[0], size: file[1], port: file[2] });
    // One under a password says nothing before that is given.
    if (!open) return (note.textContent = texts.locked);
    for (const [term, value] of saidOf(open, texts)) add(facts, term, make("bdi", "", String(value)));
  } catch (error) {
    note.textContent = texts[error.reason] ?? texts.crash;
  } finally {
    facts.removeAttribute("aria-busy");
  }
}
