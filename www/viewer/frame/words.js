// What a file says, as one text, for the search index. Nothing is drawn.

import { Refused } from "../line.js";
import { WORDS_CHARS_MAX, WORDS_MS } from "../limits.js";

const ROWS = 256;
const JOINTS = { none: "", space: " ", line: "\n" };

/** For each module the pieces of text of what it opened. */
const READERS = {
  async *docx({ about, ask }) {
    const textOf = ({ text, table }) =>
      table
        ? table.rows.flatMap(({ cells }) => cells.flatMap(({ blocks }) => blocks.map(textOf))).join("\n")
        : text.spans.map((span) => span.text?.text ?? "").join("");
    for (let at = 0; at < about.blocks; ) {
      const { data } = await ask({ blocks: { start: at } });
      if (!data.length) return;
      yield data.map(textOf).join("\n");
      at += data.length;
    }
  },
  epub: (shown) => READERS.docx(shown),
  async *pdf({ about, ask }) {
    if (about === "locked") throw new Refused("locked");
    for (let page = 0; page < about.open.pages.length; page += 1) {
      const { data } = await ask({ text: { page } });
      yield data.map(({ joint, text }) => JOINTS[joint] + text).join("");
    }
  },
  async *sheet({ about, ask }) {
    for (let index = 0; index < about.sheets.length; index += 1) {
      yield about.sheets[index];
      const { data } = await ask({ sheet: { index } });
      for (let start = 0; start < data.rows; start += ROWS) {
        const { data } = await ask({ rows: { start, end: start + ROWS } });
        yield data.rows.map(([, cells]) => cells.map((cell) => cell[3]).join(" ")).join("\n");
      }
    }
  },
  async *table({ about, ask }) {
    for (let start = 0; start < about.rows; start += ROWS) {
      const { data } = await ask({ rows: { start, end: start + ROWS } });
      yield data.map((fields) => fields.join(" ")).join("\n");
    }
  },
};

/** The text: as much as the index takes, and what could be had until the time is over. */
export async function words(shown) {
  const end = performance.now() + WORDS_MS;
  let text = "";
  for await (const piece of READERS[shown.of](shown)) {
    text += `${piece}\n`;
    if (text.length > WORDS_CHARS_MAX || performance.now() > end) break;
  }
  return text.slice(0, WORDS_CHARS_MAX);
}
