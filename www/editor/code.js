// Code in a rendered Markdown text, in the colours that the editor has.
//
// A block waits until it is near what is in sight, and long ones until the page has nothing else to
// do. Its text stays what it is, letter by letter; only spans come around pieces of it. Where a
// language is not known, or not on this device yet, a block is left alone.

import { highlightTree } from "@lezer/highlight";

import { colours } from "./colours.js";
import { languageNamed, supportOf } from "./languages.js";

/** A longer block stays plain. */
const BLOCK_CHARS_MAX = 64 * 1024;
/** What is coloured without waiting: while somebody types in a block, it is made anew again and again. */
const AT_ONCE_CHARS = 4 * 1024;
/** How far from what is in sight. */
const NEAR = "400px";

/** Colours the code of a rendered text, now and whenever it changes, until `end` is called. */
export function coloursCode(preview) {
  shareStyles();
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        colour(target);
      }
    },
    { rootMargin: NEAR },
  );
  const look = () => {
    for (const block of preview.querySelectorAll("pre[data-language]:not([data-seen])")) {
      block.dataset.seen = "";
      near.observe(block);
    }
  };
  const changes = new MutationObserver(look);
  changes.observe(preview, { childList: true, subtree: true });
  look();
  return {
    end() {
      changes.disconnect();
      near.disconnect();
    },
  };
}

async function colour(block) {
  const text = block.textContent;
  if (text.length > BLOCK_CHARS_MAX) return;
  const support = await supportOf(languageNamed(block.dataset.language));
  if (!support) return;
  if (text.length > AT_ONCE_CHARS) await new Promise(globalThis.requestIdleCallback ?? setTimeout);
  if (block.isConnected && block.textContent === text) block.replaceChildren(...pieces(text, support.language));
}

/** A text in pieces: spans for what has a colour, strings for the rest. */
function pieces(text, language) {
  const found = [];
  let at = 0;
  highlightTree(language.parser.parse(text), colours, (start, end, classes) => {
    found.push(text.slice(at, start), Object.assign(document.createElement("span"), { className: classes, textContent: text.slice(start, end) }));
    at = end;
  });
  return [...found, text.slice(at)];
}

let sheet = null;

/** The page's policy lets no style element be; those that a script makes are its own. */
function shareStyles() {
  if (sheet) return;
  sheet = new CSSStyleSheet();
  sheet.replaceSync(colours.module.getRules());
  document.adoptedStyleSheets.push(sheet);
}
