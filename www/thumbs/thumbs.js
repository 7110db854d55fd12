// Thumbs in lists: rows of files that have one show it in the place of their icon, when they
// come into sight.
//
// The page's wasm knows nothing of it: it writes on each row which node it is of, and this
// script asks the engine at a port of its own (`worker::engine::side`). What comes is bytes
// that some member of the vault made, so it is measured before a decoder sees it, and drawn
// as a picture of a fixed type and nothing else.

import { thumbType } from "./size.js";

/** Names of what may have a thumb. */
const NAMES = /\.(?:do[ct][mx]|epub|gif|jpe?g|m4v|mov|mp4|pdf|png|web[mp])$/i;
/** Thumbs that one question asks for, and questions under way. */
const ASK_MAX = 16;
const QUESTIONS_MAX = 3;
/** Thumbs that are kept for rows that come back into sight. */
const KEPT_MAX = 500;
/** How long changes of the page are gathered, and when what could not be had is tried again. */
const GATHER_MS = 50;
const AGAIN_MS = 30_000;

const { port1: port, port2: theirs } = new MessageChannel();
/** What each cell shows: `key` says of which state of which file. */
const shown = new WeakMap();
/** Addresses of thumbs by their key, or null for files without one; the oldest first. */
const kept = new Map();
const questions = new Map();
let wanted = new Set();
let gathering;
let last = 0;

const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) wanted.add(target);
    else wanted.delete(target);
  }
  ask();
});

/** Looks through the rows that are there. */
function look() {
  gathering = undefined;
  const cells = document.querySelectorAll(".cell-name[data-node]");
  // Nobody is signed in.
  if (document.querySelector(".outside-main")) forget();
  for (const cell of cells) {
    const name = cell.closest("[role=row]").getAttribute("aria-label");
    // Another content has another size or another time.
    const key = NAMES.test(name) ? `${cell.dataset.node} ${cell.querySelector(".name-facts")?.textContent}` : null;
    const before = shown.get(cell);
    if (before?.key === key) continue;
    if (before?.image && !key?.startsWith(before.node)) remove(before);
    shown.set(cell, { key, node: cell.dataset.node, image: before?.image });
    sight.unobserve(cell);
    if (!key) wanted.delete(cell);
    else if (kept.has(key)) draw(cell, kept.get(key));
    else sight.observe(cell);
  }
}

function forget() {
  for (const url of kept.values()) if (url) URL.revokeObjectURL(url);
  kept.clear();
}

/** Asks for what is in sight. */
function ask() {
  while (wanted.size && questions.size < QUESTIONS_MAX) {
    const cells = [...wanted].slice(0, ASK_MAX);
    for (const cell of cells) wanted.delete(cell);
    const asked = cells.filter((cell) => cell.isConnected && shown.get(cell).key).map((cell) => [cell, shown.get(cell).key]);
    if (!asked.length) continue;
    questions.set(++last, asked);
    port.postMessage([last, ...asked.map(([cell]) => shown.get(cell).node)]);
  }
}

port.onmessage = ({ data: [id, ...thumbs] }) => {
  const asked = questions.get(id);
  questions.delete(id);
  for (const [at, [cell, key]] of asked.entries()) {
    if (thumbs[at] === undefined) {
      if (shown.get(cell).key === key) setTimeout(retry, AGAIN_MS, cell, key);
      continue;
    }
    keep(key, thumbs[at]);
    if (shown.get(cell).key === key) {
      sight.unobserve(cell);
      draw(cell, kept.get(key));
    }
  }
  ask();
};

function retry(cell, key) {
  if (!cell.isConnected || shown.get(cell).key !== key) return;
  sight.unobserve(cell);
  sight.observe(cell);
}

function keep(key, bytes) {
  const type = bytes && thumbType(bytes);
  if (!kept.has(key)) kept.set(key, type ? URL.createObjectURL(new Blob([bytes], { type })) : null);
  if (kept.size <= KEPT_MAX) return;
  const [oldest, url] = kept.entries().next().value;
  if (url) URL.revokeObjectURL(url);
  kept.delete(oldest);
}

/** Shows a thumb over the icon of a cell; beside it stands the name, so it says nothing. */
function draw(cell, url) {
  const state = shown.get(cell);
  if (!url) return remove(state);
  const image = new Image();
  Object.assign(image, { alt: "", className: "thumb", draggable: false });
  image.onload = () => {
    if (shown.get(cell) !== state) return;
    remove(state);
    state.image = image;
    cell.append(image);
  };
  image.src = url;
}

function remove(state) {
  state.image?.remove();
  state.image = undefined;
}

const change = new MutationObserver(() => (gathering ??= setTimeout(look, GATHER_MS)));
change.observe(document.body, { subtree: true, childList: true, characterData: true, attributeFilter: ["data-node"] });

/** Makes what the engine's worker cannot, one at a time. */
const { port1: makes, port2: asks } = new MessageChannel();
let making = Promise.resolve();
makes.onmessage = ({ data: [id, file, what, ms] }) => {
  const ends = AbortSignal.timeout(ms);
  making = making.then(async () => {
    const viewer = ends.aborted ? null : await import(document.documentElement.dataset.viewer);
    // A file of which none can be made has none.
    const thumb = await viewer?.thumbOf(file, what, ends).catch(() => null);
    makes.postMessage([id, thumb ?? null]);
  }).catch(() => {});
};

const { offingEngine } = globalThis;
offingEngine.postMessage([theirs], [theirs]);
offingEngine.postMessage({ maker: asks }, [asks]);
addEventListener("online", () => {
  for (const cell of document.querySelectorAll(".cell-name[data-node]")) {
    const state = shown.get(cell);
    if (state?.key && !state.image) retry(cell, state.key);
  }
});
look();
