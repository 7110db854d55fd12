// Stars and tags in lists, and the page of what has one.
//
// The page's wasm knows nothing of it: it writes on each row which node it is of, and leaves a
// place for the page. What the engine tells is drawn here, beside the name. A tag becomes a
// text node and nothing else.

import { iconButton, make, showStar, tagLink } from "./elements.js";
import { labelsOf, setLabel, watch } from "./line.js";
import { fills } from "./page.js";
import { byName, STAR } from "./star.js";
import { textsOf } from "./texts.js";

/** How long changes of the page, and of the lists, are gathered. */
const GATHER_MS = 50;
/** Tags that a row shows. */
const TAGS_MAX = 3;

/** The labels of the nodes in sight, as they were told last. */
let known = new Map();
/** What each cell shows. */
const shown = new WeakMap();
let gathering;
let stale = false;

/** The cells of rows whose nodes can be labelled. */
function cells() {
  return location.pathname === "/trash" ? [] : [...document.querySelectorAll(".cell-name[data-node]")];
}

function gather(changed = false) {
  stale ||= changed;
  gathering ??= setTimeout(look, GATHER_MS);
}

async function look() {
  gathering = undefined;
  // Nobody is signed in.
  if (document.querySelector(".outside-main")) known.clear();
  const section = document.querySelector(".labelled");
  if (section) fills(section);
  const all = cells();
  all.forEach(draw);
  const nodes = all.map((cell) => cell.dataset.node).filter((node) => stale || !known.has(node));
  stale = false;
  if (!nodes.length) return;
  const labels = await labelsOf(nodes);
  if (labels.length) nodes.forEach((node, at) => known.set(node, labels[at]));
  const there = cells();
  const inSight = new Set(there.map((cell) => cell.dataset.node));
  known = new Map([...known].filter(([node]) => inSight.has(node)));
  there.forEach(draw);
}

/** Shows what is known of a row. */
function draw(cell) {
  const { node } = cell.dataset;
  const name = cell.closest("[role=row]").getAttribute("aria-label");
  const labels = known.get(node) ?? [];
  const texts = textsOf(document.documentElement.lang);
  const what = JSON.stringify([node, name, labels, texts.starred]);
  let { star, tags, before } = shown.get(cell) ?? {};
  if (before === what && star.isConnected) return;
  if (!star) {
    star = iconButton("star", "star", (event) => {
      event.stopPropagation();
      toggle(cell);
    });
    star.tabIndex = -1;
    star.addEventListener("dblclick", (event) => event.stopPropagation());
    tags = make("span", "row-tags");
  }
  shown.set(cell, { star, tags, before: what });
  const named = labels.filter((label) => label !== STAR).sort(byName.compare);
  const links = named.slice(0, TAGS_MAX).map((tag) => {
    const link = tagLink(tag);
    return Object.assign(link, { tabIndex: -1, draggable: false });
  });
  if (named.length > TAGS_MAX) links.push(make("span", "hint", `+${named.length - TAGS_MAX}`));
  tags.replaceChildren(...links);
  showStar(star, labels.includes(STAR), name, texts);
  if (tags.parentNode !== cell || star.nextSibling) cell.append(tags, star);
}

/** Puts the star on a row, or takes it off; it shows at once. */
async function toggle(cell) {
  const { node } = cell.dataset;
  const labels = known.get(node) ?? [];
  const on = !labels.includes(STAR);
  known.set(node, on ? [STAR, ...labels] : labels.filter((label) => label !== STAR));
  draw(cell);
  const texts = textsOf(document.documentElement.lang);
  const refused = await setLabel(STAR, on, [node]);
  said.textContent = refused ? texts.failed : shown.get(cell).star.getAttribute("aria-label");
  if (refused) gather(true);
}

/** Speaks of what keys did; a star that was clicked says so itself. */
const said = make("p", "visually-hidden");
said.setAttribute("role", "status");
document.body.append(said);

addEventListener(
  "keydown",
  (event) => {
    const { target } = event;
    const ofRow = target instanceof Element && target.getAttribute("role") === "row";
    if (event.key !== "*" || !ofRow || event.ctrlKey || event.metaKey || event.altKey) return;
    const cell = cells().find((cell) => target.contains(cell));
    if (!cell) return;
    event.preventDefault();
    event.stopPropagation();
    toggle(cell);
  },
  { capture: true },
);

const change = new MutationObserver((changes) => {
  if (!changes.every(({ target }) => said.contains(target))) gather();
});
change.observe(document.body, { subtree: true, childList: true, attributeFilter: ["data-node", "data-label", "aria-label"] });
watch(() => gather(true));
look();
