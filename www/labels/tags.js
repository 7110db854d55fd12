// The star and the tags of a file or folder in its details: put on, with those in use to choose
// from, and taken off.

import { iconButton, make, showStar, tagLink } from "./elements.js";
import { inUse, labelsOf, setLabel, TOO_MANY, UNFIT, watch } from "./line.js";
import { byName, fold, STAR } from "./star.js";
import { textsOf } from "./texts.js";

/**
 * Adds them to the facts about a node.
 *
 * @param {HTMLElement} facts
 * @param {{ node: string, name: string, add: Function }} about
 */
export function showsTags(facts, { node, name, add }) {
  const texts = textsOf(document.documentElement.lang);
  const box = make("div", "tag-box");
  const star = iconButton("star", "star", () => set(STAR, star.getAttribute("aria-pressed") !== "true"));
  const tags = make("span", "tag-list");
  const input = Object.assign(make("input", "input tag-input"), { placeholder: texts.add, autocomplete: "off", enterKeyHint: "done" });
  input.setAttribute("aria-label", texts.add);
  const offered = make("datalist");
  offered.id = "offing-tags";
  input.setAttribute("list", offered.id);
  const wrong = make("p", "error");
  wrong.setAttribute("role", "alert");
  box.append(star, tags, input, offered);
  add(facts, texts.tags, box).append(wrong);
  showStar(star, false, name, texts);

  let all = [];

  async function read() {
    if (!box.isConnected) return unwatch();
    const [[labels = []], used] = await Promise.all([labelsOf([node]), inUse()]);
    all = used.map(([label]) => label).filter((label) => label !== STAR);
    showStar(star, labels.includes(STAR), name, texts);
    const mine = labels.filter((label) => label !== STAR).sort(byName.compare);
    tags.replaceChildren(...mine.map(tag));
    offered.replaceChildren(...all.filter((label) => !mine.includes(label)).map((label) => new Option(label, label)));
  }

  function tag(label) {
    const chip = make("span", "tag");
    const off = iconButton("x", "tag-off", async () => {
      await set(label, false);
      input.focus();
    });
    off.setAttribute("aria-label", (off.title = texts.off(label)));
    const link = tagLink(label);
    link.className = "";
    chip.append(link, off);
    return chip;
  }

  async function set(label, on) {
    const refused = await setLabel(label, on, [node]);
    const why = { [UNFIT]: texts.unfit, [TOO_MANY]: texts.tooMany };
    wrong.textContent = refused ? (why[refused] ?? texts.failed) : "";
    await read();
    return !refused;
  }

  input.addEventListener("keydown", async (event) => {
    if ((event.key !== "Enter" && event.key !== ",") || event.isComposing) return;
    event.preventDefault();
    const typed = input.value.trim();
    if (!typed) return;
    // A spelling that is in use is taken rather than a second one.
    const known = all.find((label) => fold(label) === fold(typed));
    if (await set(known ?? typed, true)) input.value = "";
  });
  const unwatch = watch(read);
  read();
}
