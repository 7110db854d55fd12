// What follows a sound or a film: the next ones of its folder, in the order of its list.
//
// The engine tells which files come after one (`worker::engine::side`), from this device, offline too.
// What is a sound is told by its name here, and by its bytes once it is shown. At the end of one the next
// begins by itself, if the person has it so; that is kept on this device, for sound and films apart.

import { ask } from "../boot/side.js";
import { fill } from "./texts.js";

const NAMES = {
  audio: /\.(?:aac|flac|m4[ab]|mp3|og[ag]|opus|wav|weba)$/i,
  video: /\.(?:m4v|mov|mp4|ogv|webm)$/i,
};
/** Without a choice sound plays on, and a film does not. */
const CHOSEN = { audio: true, video: false };
const KEY = "offing.playsOn";
const SORT = "offing.sort";
/** What the engine is asked; the number is that of `side.rs`. */
const FOLLOWING = 3;
/** Names that are listed. */
const SHOWN_MAX = 100;

/** Where the next one is to begin by itself. */
let due = null;
/** Files after one, as `[node, name]`. */
async function following(node) {
  const [files = []] = await ask(FOLLOWING, node, localStorage.getItem(SORT) ?? "");
  return files;
}

/** Those that are of a kind, by their names. */
export function ofKind(files, kind) {
  return files.filter(([, name]) => NAMES[kind].test(name));
}

/** Whether the one at this address is to begin by itself, as it follows another. */
export function isDue() {
  const is = due === location.pathname;
  due = null;
  return is;
}

export class Queue {
  #kind;
  #texts;
  #next = [];
  #on;

  /** `kind` is `audio` or `video`; the switch and the list are in `element`. */
  constructor(kind, texts) {
    this.#kind = kind;
    this.#texts = texts;
    this.#on = make("input", { type: "checkbox", role: "switch", checked: choices()[kind] ?? CHOSEN[kind] });
    this.#on.addEventListener("change", () => choose(kind, this.#on.checked));
    const label = make("label", { className: "viewer-plays-on" }, this.#on, texts.playOn);
    this.element = make("section", { className: "viewer-queue", ariaLabel: texts.queue }, label);
  }

  /** Lists what follows; there is nothing to switch where nothing does. */
  async list() {
    const [, ...steps] = location.pathname.split("/");
    const node = steps.pop();
    const all = ofKind(await following(node), this.#kind);
    const address = (id) => `/${[...steps, id].join("/")}`;
    this.#next = all.map(([id, name]) => ({ address: address(id), name }));
    this.element.hidden = !all.length;
    const items = this.#next.slice(0, SHOWN_MAX).map(({ address, name }) => {
      const click = () => (due = address);
      return make("li", {}, make("a", { href: address, textContent: name, onclick: click }));
    });
    const rest = this.#next.length - items.length;
    const more = rest > 0 ? [make("p", { className: "hint", textContent: fill(this.#texts.queueMore, { count: rest }) })] : [];
    this.element.append(make("ol", {}, ...items), ...more);
  }

  /** The one that is shown has ended. */
  ended() {
    if (this.#on.checked) this.next();
  }

  /** Goes on to the next one, and has it begin; says whether there is any. */
  next() {
    const [next] = this.#next;
    if (!next) return false;
    due = next.address;
    // As the arrows go: the way back leads to the folder.
    history.replaceState(null, "", next.address);
    dispatchEvent(new PopStateEvent("popstate"));
    return true;
  }
}

function choices() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function choose(kind, on) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...choices(), [kind]: on }));
  } catch {
    // It is a convenience: where nothing can be stored, it is chosen anew.
  }
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
