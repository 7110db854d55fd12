// One page in sight: its drawings, its text over them, the marks of what was found, its links.
//
// Inside, everything is laid out in points, and the text as a whole is scaled: another zoom
// moves nothing. An old drawing is stretched until the new one is there.

import { fill } from "../../texts.js";
import { make } from "../dom.js";
import { PX } from "./layout.js";

/** Of a font's size, how far its base line is from the upper edge of its box. */
const ASCENT = 0.8;

const measure = document.createElement("canvas").getContext("2d");

/** How wide a text would be at size 1 in the font of the text layer. */
function natural(text) {
  measure.font = "100px sans-serif";
  return measure.measureText(text).width / 100;
}

export class Page {
  /** What is drawn: by place and scale. */
  #drawn = new Map();
  #runs = null;
  #marks = make("div", { class: "pdf-marks" });
  #text = make("div", { class: "pdf-text" });
  #links = make("div", { class: "pdf-links" });
  #canvases = make("div", { class: "pdf-drawn" });

  /** @param {[number, number]} size in points */
  constructor(number, size, label) {
    this.number = number;
    this.size = size;
    const layers = [this.#canvases, this.#marks, this.#text, this.#links];
    this.element = make("div", { class: "pdf-page", role: "group", "aria-label": label }, ...layers);
  }

  /** Puts it at its place. */
  place(top, zoom) {
    const [width, height] = this.size;
    const factor = zoom * PX;
    Object.assign(this.element.style, {
      top: `${top}px`,
      width: `${width * factor}px`,
      height: `${height * factor}px`,
    });
    for (const layer of [this.#text, this.#marks, this.#links]) {
      Object.assign(layer.style, {
        width: `${width}px`,
        height: `${height}px`,
        transform: `scale(${factor})`,
      });
    }
  }

  /** Whether a piece is drawn at a scale. */
  has(piece, scale) {
    return this.#drawn.has(key(piece, scale));
  }

  /** Shows a drawing; those of other scales go once all of this one's are there. */
  draw(piece, scale, bytes, wanted) {
    const canvas = make("canvas", { width: piece.width, height: piece.height });
    const rgba = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.length);
    canvas.getContext("2d").putImageData(new ImageData(rgba, piece.width, piece.height), 0, 0);
    const [width, height] = this.size;
    const part = (pixels, points) => `${(pixels / (points * scale)) * 100}%`;
    Object.assign(canvas.style, {
      left: part(piece.x, width),
      top: part(piece.y, height),
      width: part(piece.width, width),
      height: part(piece.height, height),
    });
    this.#drawn.set(key(piece, scale), { canvas, scale });
    this.#canvases.append(canvas);
    if (!wanted.every((other) => this.has(other, scale))) return;
    const kept = new Set(wanted.map((other) => key(other, scale)));
    for (const [name, old] of this.#drawn) {
      if (kept.has(name)) continue;
      old.canvas.remove();
      this.#drawn.delete(name);
    }
  }

  get hasText() {
    return this.#runs !== null;
  }

  /** Lays the text over the drawing, to be selected. */
  write(runs) {
    this.#runs = runs;
    const pieces = [];
    for (const run of runs) {
      if (run.joint === "line") pieces.push(make("br"));
      const span = make("span", {}, (run.joint === "space" ? " " : "") + run.text);
      if (run.joint === "space") span.style.textIndent = `-${natural(" ")}em`;
      const width = natural(run.text) * run.size;
      const stretch = width > 0 && run.length > 0 ? run.length / width : 1;
      Object.assign(span.style, {
        left: `${run.x}px`,
        top: `${run.y - ASCENT * run.size}px`,
        fontSize: `${run.size}px`,
        transformOrigin: `0 ${ASCENT}em`,
        transform: `rotate(${run.degrees}deg) scaleX(${stretch})`,
      });
      pieces.push(span);
    }
    this.#text.replaceChildren(...pieces);
  }

  /** Lays links over it; `follow(leads)` goes where one leads. */
  link(links, texts, follow) {
    const made = links.map(({ x, y, width, height, leads }) => {
      const name = leads.address ?? fill(texts.leadsToPage, { page: leads.place.page + 1 });
      const named = { type: "button", role: "link", class: "pdf-link", "aria-label": name, title: name };
      const link = make("button", { ...named, click: () => follow(leads) });
      Object.assign(link.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
      return link;
    });
    this.#links.replaceChildren(...made);
  }

  /** Marks what was found: lists of pieces of runs; returns the current one's element. */
  mark(found, current) {
    let shown = null;
    const marks = [];
    if (this.#runs) {
      for (const pieces of found) {
        for (const { run, start, end } of pieces) {
          const mark = this.#mark(this.#runs[run], start, end);
          if (pieces === current) {
            mark.classList.add("is-current");
            shown ??= mark;
          }
          marks.push(mark);
        }
      }
    }
    this.#marks.replaceChildren(...marks);
    return shown;
  }

  #mark(run, start, end) {
    const mark = make("div", { class: "pdf-mark" });
    const whole = natural(run.text) || 1;
    const along = (units) => (natural(run.text.slice(0, units)) / whole) * run.length;
    const from = along(start);
    Object.assign(mark.style, {
      left: `${run.x}px`,
      top: `${run.y - ASCENT * run.size}px`,
      width: `${along(end) - from}px`,
      height: `${run.size}px`,
      transformOrigin: `0 ${ASCENT * run.size}px`,
      transform: `rotate(${run.degrees}deg) translateX(${from}px)`,
    });
    return mark;
  }
}

function key({ x, y, width, height }, scale) {
  return `${scale}:${x},${y},${width},${height}`;
}
