// Elements, made one by one; a text is a text.

import download from "lucide-static/icons/download.svg";
import file from "lucide-static/icons/file.svg";
import folder from "lucide-static/icons/folder.svg";
import contents from "lucide-static/icons/list-tree.svg";
import find from "lucide-static/icons/search.svg";
import thumbs from "lucide-static/icons/gallery-vertical.svg";

const ICONS = { contents, download, file, find, folder, thumbs };

/** An icon, in the colour of the text; it says nothing to a screen reader. */
export function icon(name) {
  const element = make("span", { class: "icon", "aria-hidden": "true" });
  element.style.maskImage = `url("${ICONS[name]}")`;
  return element;
}

/** What is in a button that has a name: an icon, and the name where there is room. */
export function sign(look, name) {
  return [icon(look), make("span", { class: "wide" }, name)];
}

/** Makes an element with attributes and children; a string child is a text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

/** What is to have the focus as it is shown, without a ring: nobody went there by keys. */
export function quietly(element) {
  element.classList.add("quietly");
  element.addEventListener("blur", () => element.classList.remove("quietly"), { once: true });
  return element;
}

/** What hears keys without being a stop of Tab: arrows go on walking through the folder's files. */
export function focusable(element) {
  element.tabIndex = -1;
  return element;
}
