// An HTML file as the page that it describes, of which nothing runs and nothing is fetched.
//
// The browser's parser reads it into a document that is never shown, where no script runs and nothing loads.
// Of that, elements and attributes that are listed here are made anew; whatever is not listed does
// not come along. Its styles apply by way of the CSSOM, since the policy knows no others; they ask for nothing
// either, that the policy sees to. A link that leads to a place in the page goes there; of another the viewer is told.

import { Refused } from "../line.js";
import { PAGE_BYTES_MAX, PAGE_DEPTH_MAX, PAGE_NODES_MAX } from "../limits.js";
import { textOf } from "./encoding.js";
import { parsed } from "./parsed.js";

const words = (text) => new Set(text.split(" "));

const HTML = words(
  "a abbr acronym address article aside b bdi bdo big blockquote br button caption center cite code col colgroup dd del details dfn dialog dir div " +
    "dl dt em fieldset figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img input ins kbd label legend li main mark meter nav " +
    "ol optgroup option p pre progress q rp rt ruby s samp section select small span strike strong sub summary sup table tbody td textarea tfoot th thead " +
    "time tr tt u ul var wbr",
);
const SVG = words(
  "svg circle clipPath defs desc ellipse g line linearGradient marker mask path pattern polygon polyline radialGradient rect stop symbol text title tspan use",
);
/** What goes with all that is in it; of other elements that are not listed, what is in them stays. */
const GONE = words(
  "applet area audio base canvas embed frame frameset head iframe link map math meta noembed noframes object param portal script source style template title track video",
);
const CONTROLS = words("button input optgroup option select textarea");
const ATTRIBUTES = words(
  "align alt bgcolor border cellpadding cellspacing checked class clear color cols colspan datetime dir face headers height hidden high id label lang low " +
    "max min noshade nowrap open optimum placeholder reversed role rows rowspan scope selected size span start summary title type valign value width",
);
/** Attributes of drawings lead nowhere but these. */
const LEADING = words("href xlink:href src style");
/** A parser takes more for a name than an element does. */
const NAME = /^[a-z][\w:.-]*$/i;
const SVG_SPACE = "http://www.w3.org/2000/svg";
/** Pictures that are in the file itself. */
const PICTURE = /^data:image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)[;,]/i;
/** What browsers show a page on. */
const GROUND = ":root { color-scheme: only light; color: #000; background: #fff; }";

/** Shows a file, or a text in the place of the one before; then the focus stays where it is. */
export async function page(shown) {
  const { root, html, line } = shown;
  const text = html ?? (await textOf(shown, PAGE_BYTES_MAX));
  const unseen = parsed(text, "text/html");
  const drawing = new Drawing();
  const body = drawing.all(unseen.body);
  root.remove();
  document.adoptedStyleSheets = [sheetOf(GROUND), ...[...unseen.querySelectorAll("style")].map(({ textContent, media }) => sheetOf(textContent, media))];
  for (const [from, to] of [[unseen.documentElement, document.documentElement], [unseen.body, document.body]]) {
    for (const { name } of [...to.attributes]) to.removeAttribute(name);
    drawing.dress(from, to);
  }
  document.body.replaceChildren(body);
  document.onclick = (event) => drawing.follow(event, line);
  if (html === undefined) window.focus();
}

function sheetOf(text, media = "") {
  const sheet = new CSSStyleSheet({ media });
  sheet.replaceSync(text);
  return sheet;
}

/** Makes the elements of a page anew. */
class Drawing {
  #links = new WeakMap();
  #nodes = 0;

  /** What is in an element. */
  all(from, depth = 0) {
    const made = document.createDocumentFragment();
    if (depth > PAGE_DEPTH_MAX) {
      made.append(from.textContent);
      return made;
    }
    for (const node of from.childNodes) {
      this.#nodes += 1;
      if (this.#nodes > PAGE_NODES_MAX) throw new Refused("large");
      if (node.nodeType === Node.TEXT_NODE) made.append(node.data);
      if (node.nodeType === Node.ELEMENT_NODE) made.append(this.#made(node, depth + 1));
    }
    return made;
  }

  #made(from, depth) {
    const isSvg = from.namespaceURI === SVG_SPACE;
    const localName = from.localName === "form" ? "div" : from.localName;
    if (GONE.has(localName) && !(isSvg && localName === "title")) return "";
    if (!(isSvg ? SVG : HTML).has(localName)) return this.all(from, depth);
    const to = isSvg ? document.createElementNS(SVG_SPACE, localName) : document.createElement(localName);
    this.dress(from, to);
    if (!isSvg && localName === "a" && from.hasAttribute("href")) {
      // So that it looks like one and keys reach it; what it leads to is told, never gone to.
      to.setAttribute("href", "#");
      this.#links.set(to, from.getAttribute("href"));
    }
    if (!isSvg && CONTROLS.has(localName)) to.disabled = true;
    if (localName === "img" && PICTURE.test(from.getAttribute("src") ?? "")) to.src = from.getAttribute("src");
    to.append(this.all(from, depth));
    return to;
  }

  /** Gives an element what another says of itself. */
  dress(from, to) {
    const isSvg = from.namespaceURI === SVG_SPACE;
    for (const { name, value } of from.attributes) {
      if (!NAME.test(name)) continue;
      const isPlain = isSvg ? !/^on/i.test(name) && !LEADING.has(name) : ATTRIBUTES.has(name) || name.startsWith("aria-");
      if (isPlain) to.setAttribute(name, value);
      else if (name === "style") to.style.cssText = value;
      else if (isSvg && /href$/.test(name) && value.startsWith("#")) to.setAttribute("href", value);
    }
  }

  follow(event, line) {
    const link = event.target.closest?.("a");
    if (!link) return;
    event.preventDefault();
    const address = this.#links.get(link);
    if (!address) return;
    if (address.startsWith("#")) document.getElementById(decoded(address.slice(1)))?.scrollIntoView();
    else line.ask("leads", { address });
  }
}

function decoded(fragment) {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
