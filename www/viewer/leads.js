// An address out of a file: shown as it is, and opened by who wants that.
//
// A frame opens nothing. It says where a link of its file leads, and the page shows that in a line of
// its own, where a person sees all of it before anything is asked of anybody.

import { ADDRESS_CHARS_MAX } from "./limits.js";

const SCHEMES = ["http:", "https:", "mailto:"];

/** The address as browsers write it; null for one of another kind, or one that hides whose it is. */
export function outside(address) {
  if (address.length > ADDRESS_CHARS_MAX || !URL.canParse(address)) return null;
  const { href, protocol, username, password } = new URL(address);
  return SCHEMES.includes(protocol) && !username && !password ? href : null;
}

/** Says below an element where links lead; `focus()` gives the focus back when that is closed. */
export class Leads {
  #line = null;

  constructor(parent, texts, focus) {
    Object.assign(this, { parent, texts, focus });
  }

  /** Shows where a link leads that somebody clicked; says whether it does. */
  tell(text) {
    const address = outside(text);
    if (!address) return false;
    this.close();
    this.#line = lineOf(address, this.texts, () => {
      this.close();
      this.focus();
    });
    this.parent.append(this.#line);
    this.#line.focus();
    return true;
  }

  close() {
    this.#line?.remove();
    this.#line = null;
  }
}

/** The line for an address; `close()` takes it away. */
function lineOf(address, texts, close) {
  const line = document.createElement("div");
  line.className = "viewer-leads";
  // It has the focus, and not its link: nobody who is typing opens that.
  line.tabIndex = -1;
  line.setAttribute("role", "group");
  line.setAttribute("aria-label", texts.leadsTo);
  const said = document.createElement("span");
  said.textContent = texts.leadsTo;
  const link = document.createElement("a");
  Object.assign(link, { href: address, target: "_blank", rel: "noopener noreferrer", textContent: address });
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button quiet", textContent: texts.close, onclick: close });
  line.append(said, link, button);
  line.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    close();
  });
  return line;
}
