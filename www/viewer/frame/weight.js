// What a drawing (SVG) comes to, before it is drawn: how much a browser would have to draw.
//
// A drawing may name a part of itself again and again, in parts that are named again in turn: a kilobyte
// becomes billions of shapes. The parsed text, which is never shown, is walked once; each element counts one,
// and what it says, and what is in it, and what it names as often as it names it. What leads back to itself
// is no drawing. Time that this does not foresee is the watch's (`sandbox.js`).

import { sizeOf } from "../../thumbs/size.js";
import { Refused } from "../line.js";
import { DRAWING_DEPTH_MAX, PICTURE_PIXELS_MAX } from "../limits.js";
import { parsed } from "./parsed.js";

/** Signs (of a path, a text, a style) that count as one element. */
const SIGNS = 64;
/** Points at which a marker may stand, of so many signs. */
const POINTS = 32;
/** What a step of a filter counts, which is taken for every point of a picture; and points of a picture that count one. */
const STEP = 256;
const PIXELS = 4096;
/** Rules of styles that name something, and drawings inside one another. */
const RULES_MAX = 1000;
const INSIDE_MAX = 3;

const NAMES = /url\(\s*["']?#([^"')\s]+)/g;
const DATA = /data:image\/([\w+.-]+)[^,]*,[^"')]*/g;
/** Elements that draw what they lead to. */
const DRAWS = new Set(["use", "pattern", "feImage", "textPath"]);
/** What elements take over from those around them, so that it counts for each. */
const INHERITED = /^(?:fill|stroke|marker)/;
const GRADIENT = /Gradient$/;

/** The units of a drawing; infinity where there is no end to it. */
export function weightOf(text, inside = 0) {
  if (inside > INSIDE_MAX) return Infinity;
  const drawing = parsed(text, "image/svg+xml");
  if (drawing.documentElement.localName !== "svg" || drawing.querySelector("parsererror")) throw new Refused("unplayable");
  return new Weighing(drawing, inside).of(drawing.documentElement, 0);
}

class Weighing {
  #drawing;
  #inside;
  #known = new Map();
  /** What the rules of its styles say of elements. */
  #styled = new Map();
  #isEndless = false;

  constructor(drawing, inside) {
    this.#drawing = drawing;
    this.#inside = inside;
    const rules = [...drawing.querySelectorAll("style")].flatMap(({ textContent }) => rulesOf(textContent));
    this.#isEndless = rules.length > RULES_MAX;
    if (this.#isEndless) return;
    for (const { selectorText, style } of rules) {
      for (const element of this.#all(selectorText)) this.#styled.set(element, [...(this.#styled.get(element) ?? []), style.cssText]);
    }
  }

  /** What a rule is of; one that cannot be told is of all. */
  #all(selector) {
    try {
      return this.#drawing.querySelectorAll(selector);
    } catch {
      return [this.#drawing.documentElement];
    }
  }

  of(element, depth) {
    if (this.#isEndless || depth > DRAWING_DEPTH_MAX) return Infinity;
    const known = this.#known.get(element);
    if (known !== undefined) return known;
    // Until it is known, whoever comes back to it goes in a circle.
    this.#known.set(element, Infinity);
    let inner = 1;
    for (const node of element.childNodes) inner += node.nodeType === Node.ELEMENT_NODE ? this.of(node, depth + 1) : (node.data?.length ?? 0) / SIGNS;
    for (const { value } of element.attributes) inner += value.length / SIGNS;
    if (element.localName.startsWith("fe")) inner += STEP * Math.max(1, Number(element.getAttribute("numOctaves")) || 1);
    let sum = inner;
    const said = [...[...element.attributes].map(({ name, value }) => [name, value]), ...(this.#styled.get(element) ?? []).map((text) => ["style", text])];
    for (const [name, value] of said) {
      if (name === "style") for (const part of value.split(";")) sum += this.#named(part.trim(), part, inner, depth);
      else if (/(^|:)href$/.test(name) && value.startsWith("#")) sum += DRAWS.has(element.localName) ? this.#at(value.slice(1), depth) : 0;
      else sum += this.#named(name, value, inner, depth);
    }
    this.#known.set(element, sum);
    return sum;
  }

  /** What a value of an element names, beside what counts so much. */
  #named(name, value, inner, depth) {
    let sum = 0;
    for (const [, id] of value.matchAll(NAMES)) {
      const times = name.startsWith("marker") ? inner * POINTS : INHERITED.test(name) ? inner : 1;
      sum += times * this.#at(id, depth);
    }
    for (const [address, kind] of value.matchAll(DATA)) sum += this.#data(address, kind);
    return sum;
  }

  #at(id, depth) {
    const element = this.#drawing.getElementById(id);
    // The stops of a gradient are looked at once.
    return !element || GRADIENT.test(element.localName) ? 0 : this.of(element, depth + 1);
  }

  /** A picture in the drawing itself. */
  #data(address, kind) {
    const bytes = bytesOf(address);
    if (kind.startsWith("svg")) return weightOf(new TextDecoder().decode(bytes), this.#inside + 1);
    const { width = 0, height = 0 } = sizeOf(bytes) ?? {};
    return width * height > PICTURE_PIXELS_MAX ? Infinity : (width * height) / PIXELS;
  }
}

/** Rules of a style that name something. */
function rulesOf(text) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  const found = [];
  const walk = (rules) => {
    for (const rule of rules ?? []) {
      if (rule.selectorText && /url\(/.test(rule.style.cssText)) found.push(rule);
      walk(rule.cssRules);
    }
  };
  walk(sheet.cssRules);
  return found;
}

function bytesOf(address) {
  const [head, body] = [address.slice(0, address.indexOf(",")), address.slice(address.indexOf(",") + 1)];
  try {
    if (!/;\s*base64$/i.test(head)) return new TextEncoder().encode(decodeURIComponent(body));
    return Uint8Array.from(atob(body.replace(/\s/g, "")), (letter) => letter.charCodeAt(0));
  } catch {
    // What cannot be read is not drawn either.
    return new Uint8Array();
  }
}
