// Who else has the text open: told and heard by the engine, which seals it (`worker::engine::side`).
//
// This device is told of while the text is in sight; the engine says so to nobody but those who
// are in it too. Positions come and go with the version of the text that they are in: what is
// typed here and not accepted yet is added to those that come, and waited for with one's own.

import { getSyncedVersion, sendableUpdates } from "@codemirror/collab";
import { EditorView, ViewPlugin } from "@codemirror/view";

import { companyOf, company, initialsOf, tellCompany } from "./company.js";

/** What the engine is told; the numbers are those of `side.rs`. */
const ATTENDS = 4;
const PARTS = 5;
/** How many values it tells of each who is there. */
const FIELDS = 5;
/** How long moves of the cursor are gathered. */
const GATHER_MS = 100;
/** Whoever was away for less than this is not announced again. */
const ANNOUNCED_MS = 60_000;
const KEY = "offing.company";

/** Those who hear of a text, by its node. */
const hearers = new Map();
let port;

function line() {
  if (port) return port;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data: [id, node, version, ...visitors] }) => {
    // Anything else only says that a question was heard.
    if (id !== 0) return;
    const all = Array.from({ length: visitors.length / FIELDS }, (_, nth) => visitors.slice(nth * FIELDS, (nth + 1) * FIELDS));
    hearers.get(node)?.hears(version, all);
  };
  globalThis.offingEngine.postMessage([port2], [port2]);
  return (port = port1);
}

/** A position in the text that the engine has, in the text that is shown. */
export function shownAt(state, at) {
  return sendableUpdates(state).reduce((at, { changes }) => changes.mapPos(Math.min(at, changes.length), 1), at);
}

/**
 * Tells where this device is in the text `node`, and shows where others are.
 *
 * Returns `extension`; `list`, an element that says who is there; `tool` for the bar, with which it
 * is switched off and on; and `leave()`.
 */
export function presence(node, texts) {
  const list = listOf(texts);
  let attendant;
  const plugin = ViewPlugin.define((view) => (attendant = new Attendant(view, node, list)));
  const tool = {
    icon: "users-round",
    name: texts.showCompany,
    isOn: isWanted,
    run() {
      if (isWanted()) localStorage.setItem(KEY, "no");
      else localStorage.removeItem(KEY);
      attendant.looks();
      return true;
    },
  };
  return { extension: [company, plugin, looks], list: list.element, tool, leave: () => attendant.leaves() };
}

const isWanted = () => localStorage.getItem(KEY) !== "no";

/** Tells and hears for one editor. */
class Attendant {
  #view;
  #node;
  #list;
  #told;
  #gathering;
  #held;
  #looks = () => this.looks();
  #parts = () => this.parts();

  constructor(view, node, list) {
    this.#view = view;
    this.#node = node;
    this.#list = list;
    hearers.set(node, this);
    document.addEventListener("visibilitychange", this.#looks);
    addEventListener("pagehide", this.#parts);
    addEventListener("pageshow", this.#looks);
    this.tellsSoon();
  }

  update({ docChanged, selectionSet, state, startState }) {
    const accepted = getSyncedVersion(state) !== getSyncedVersion(startState);
    if (accepted && this.#held) setTimeout(() => this.#takes());
    if (docChanged || selectionSet || accepted) this.tellsSoon();
    this.#list.shows(companyOf(state));
  }

  /** The page came into sight, or went out of it; or the person decided. */
  looks() {
    if (document.hidden || !isWanted()) return this.parts();
    this.#told = undefined;
    this.tellsSoon();
    // The bar shows what was decided.
    this.#view.dispatch({});
  }

  tellsSoon() {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#tells();
    }, GATHER_MS);
  }

  #tells() {
    const { state } = this.#view;
    // What is not accepted yet is told when it is.
    if (hearers.get(this.#node) !== this || document.hidden || !isWanted() || sendableUpdates(state).length) return;
    const { anchor, head } = state.selection.main;
    const version = getSyncedVersion(state);
    const now = `${version} ${anchor} ${head}`;
    if (now === this.#told) return;
    this.#told = now;
    line().postMessage([1, ATTENDS, this.#node, version, anchor, head]);
  }

  hears(version, visitors) {
    this.#held = { version, visitors };
    this.#takes();
  }

  #takes() {
    const { state } = this.#view;
    const synced = getSyncedVersion(state);
    if (!this.#held || document.hidden || !isWanted()) return;
    const { version, visitors } = this.#held;
    // The engine is ahead of this editor, which hears of it before long.
    if (version > synced) return;
    this.#held = undefined;
    if (version < synced) {
      // It crossed with what changed the text: ask where they are now.
      this.#told = undefined;
      return this.tellsSoon();
    }
    if (visitors.length === 0 && companyOf(state).length === 0) return;
    this.#shows(visitors.map(([visit, device, name, anchor, head]) => ({
      visit,
      device,
      name: name || this.#list.nameless,
      ...(head === undefined ? {} : { anchor: shownAt(state, anchor), head: shownAt(state, head) }),
    })));
  }

  #shows(visitors) {
    this.#view.dispatch(tellCompany(this.#view.state, visitors));
  }

  /** Others are to see this one no more, nor are they seen. */
  parts() {
    if (port) port.postMessage([1, PARTS, this.#node]);
    this.#told = this.#held = undefined;
    this.#shows([]);
  }

  leaves() {
    if (hearers.get(this.#node) !== this) return;
    hearers.delete(this.#node);
    this.#ends();
    this.parts();
  }

  #ends() {
    clearTimeout(this.#gathering);
    document.removeEventListener("visibilitychange", this.#looks);
    removeEventListener("pagehide", this.#parts);
    removeEventListener("pageshow", this.#looks);
  }

  destroy() {
    if (hearers.get(this.#node) === this) hearers.delete(this.#node);
    this.#ends();
  }
}

/** The list of those who are there, and the word for whoever hears the page. */
function listOf(texts) {
  const element = document.createElement("div");
  element.className = "company";
  const dots = document.createElement("ul");
  dots.setAttribute("aria-label", texts.company);
  const said = document.createElement("span");
  said.className = "company-said";
  said.setAttribute("role", "status");
  element.append(dots, said);
  /** When each device was last there. */
  const seen = new Map();
  let shown = "";

  function shows(visitors) {
    const devices = new Map(visitors.map((visitor) => [visitor.device, visitor]));
    const now = Date.now();
    const arrived = [...devices.values()].filter(({ device }) => !(now - seen.get(device) < ANNOUNCED_MS));
    for (const device of devices.keys()) seen.set(device, now);
    const all = JSON.stringify([...devices.values()].map(({ device, name, colour }) => [device, name, colour]));
    if (all === shown) return;
    shown = all;
    dots.replaceChildren(...[...devices.values()].map((visitor) => dot(visitor, texts)));
    dots.hidden = devices.size === 0;
    if (arrived.length) said.textContent = arrived.map(({ name }) => texts.isHere(name)).join(" ");
  }

  dots.hidden = true;
  return { element, shows, nameless: texts.nameless };
}

function dot({ name, colour }, texts) {
  const item = document.createElement("li");
  item.className = `company-dot visitor-${colour}`;
  item.title = texts.isHere(name);
  item.setAttribute("aria-label", texts.isHere(name));
  const initials = document.createElement("span");
  initials.setAttribute("aria-hidden", "true");
  initials.textContent = initialsOf(name);
  item.append(initials);
  return item;
}

const looks = EditorView.baseTheme({
  // Tools that are scrolled go below it.
  ".company": {
    display: "grid",
    alignItems: "center",
    position: "sticky",
    right: "calc(-1 * var(--space-2))",
    marginLeft: "auto",
    backgroundColor: "var(--surface-raised)",
  },
  ".company ul": { display: "flex", gap: "2px", margin: "0", padding: "0 var(--space-2)", listStyle: "none" },
  ".company ul[hidden]": { display: "none" },
  ".company-dot": {
    display: "grid",
    placeItems: "center",
    width: "28px",
    height: "28px",
    font: "600 var(--text-xxs) / 1 var(--font)",
    color: "var(--surface)",
    backgroundColor: "var(--visitor)",
    borderRadius: "var(--radius-full)",
  },
  ".company-said": { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)" },
});
