// Elements that lists, the page of a label and the details have in common.

import { addressOf } from "./star.js";

export function make(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

export function drawn(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(namespace, "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
  icon.append(use);
  return icon;
}

/** A button that is an icon. */
export function iconButton(icon, className, does) {
  const button = make("button", `button quiet icon-only ${className}`);
  button.type = "button";
  button.append(drawn(icon));
  button.addEventListener("click", does);
  return button;
}

/** Shows whether something has the star, by the button that puts it on. */
export function showStar(button, on, name, texts) {
  button.setAttribute("aria-pressed", String(on));
  const says = on ? texts.unstar(name) : texts.star(name);
  button.setAttribute("aria-label", says);
  button.title = says;
}

/** A tag that leads to what else has it. */
export function tagLink(tag) {
  const link = make("a", "tag", tag);
  link.href = addressOf(tag);
  return link;
}
