// The beginning of a text without pages, as the first page that it would have: for a thumb, which is
// looked at rather than read. Dark on white in every theme, as paper is.

/** In pixels of a page that is 256 high. */
const MARGIN = 16;
const BODY = { px: 7, leading: 1.5, after: 4 };
/** By the depth of a heading. */
const HEADINGS = [null, { px: 14, leading: 1.2, after: 6 }, { px: 11, leading: 1.25, after: 5 }];
const HEADING = { px: 9, leading: 1.3, after: 4 };
const INDENT = 8;
/** What stands in one block beyond this is on no first page. */
const CHARS_MAX = 4_000;
const PAPER = "#fff";
const INK = "#26323a";

/** The page's pixels, `{ width, height, bytes }`; nothing where there is no word. */
export async function leaf({ ask, about, side, language }) {
  const page = new Leaf(side, about.rtl, language);
  const { data } = await ask({ blocks: { start: 0 } });
  for (const block of data) {
    if (page.isFull) break;
    page.add(block);
  }
  return page.pixels();
}

/** The words of what stands in a line; of pictures and notes nothing. */
const wordsOf = (spans) => spans.map(({ text }) => text?.text ?? "").join("");

/** The lines that a block says, each with its look and how far it is moved in. */
export function linesOf({ text, table }) {
  if (table) {
    return table.rows.map(({ head, cells }) => ({
      text: cells.map(({ blocks }) => blocks.flatMap(linesOf).map((line) => line.text).join(" ")).join("   ").slice(0, CHARS_MAX),
      look: BODY,
      bold: Boolean(head),
      indent: 0,
    }));
  }
  const { heading, item, quote, spans } = text;
  const said = `${item ? `${item[1]} ` : ""}${wordsOf(spans)}`.slice(0, CHARS_MAX);
  const look = heading ? (HEADINGS[heading] ?? HEADING) : BODY;
  return [{ text: said, look, bold: Boolean(heading), indent: (item?.[0] ?? 0) + (quote ?? 0) + (item ? 1 : 0) }];
}

class Leaf {
  #context;
  #words;
  #scale;
  #at;
  #isEmpty = true;

  constructor(side, isRtl, language) {
    this.#scale = side / 256;
    this.#words = new Intl.Segmenter(language, { granularity: "word" });
    const canvas = new OffscreenCanvas(Math.round(side / Math.SQRT2), side);
    this.#context = canvas.getContext("2d");
    this.#context.fillStyle = PAPER;
    this.#context.fillRect(0, 0, canvas.width, canvas.height);
    Object.assign(this.#context, { fillStyle: INK, textBaseline: "top", textAlign: "start", direction: isRtl ? "rtl" : "ltr" });
    this.#at = MARGIN * this.#scale;
  }

  get isFull() {
    return this.#at > this.#context.canvas.height - MARGIN * this.#scale;
  }

  add(block) {
    for (const { text, look, bold, indent } of linesOf(block)) {
      if (this.isFull) return;
      if (text.trim()) this.#write(text, look, bold, indent * INDENT * this.#scale);
      this.#at += look.after * this.#scale;
    }
  }

  /** Breaks a text into lines and writes those that there is room for. */
  #write(text, { px, leading }, bold, indent) {
    const context = this.#context;
    const { width } = context.canvas;
    const margin = MARGIN * this.#scale;
    context.font = `${bold ? "600 " : ""}${px * this.#scale}px system-ui, sans-serif`;
    const room = width - 2 * margin - indent;
    const begins = context.direction === "rtl" ? width - margin - indent : margin + indent;
    let line = "";
    const put = () => {
      if (!this.isFull) context.fillText(line.trim(), begins, this.#at, room);
      this.#at += px * leading * this.#scale;
    };
    for (const { segment } of this.#words.segment(text)) {
      if (this.isFull) return;
      if (line && context.measureText(line + segment).width > room) {
        put();
        line = "";
      }
      line += segment;
    }
    if (line.trim()) put();
    this.#isEmpty = false;
  }

  pixels() {
    if (this.#isEmpty) return null;
    const { width, height } = this.#context.canvas;
    return { width, height, bytes: new Uint8Array(this.#context.getImageData(0, 0, width, height).data.buffer) };
  }
}
