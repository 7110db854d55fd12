// Files that are added to a Markdown text: what is pasted, dropped or chosen goes into its folder,
// and is shown or linked where the cursor is.

import { EditorView } from "@codemirror/view";

import { ADD, LOOK } from "./asks.js";

/** How many names are tried before a file is added under one that exists. */
const NAMES_MAX = 100;

/** Markdown that shows a picture, or links to another file, of this name. */
export function linkTo({ name, type }) {
  const label = name.replace(/\.[^.]*$/, "").replace(/[\\[\]]/g, "\\$&");
  const path = name.replace(/[\s()<>%#?\\]/g, (one) => encodeURIComponent(one).replace(/[()]/, hex));
  return `${type.startsWith("image/") ? "!" : ""}[${label}](${path})`;
}

const hex = (one) => `%${one.charCodeAt(0).toString(16)}`;

/** A name that nothing in the folder has; `has` says so of one. */
export async function freeName(name, has) {
  const [, stem, ending] = /^(.+?)(\.[^.]*)?$/s.exec(name);
  for (let number = 2, free = name; number < NAMES_MAX; number++) {
    if (!(await has(free))) return free;
    free = `${stem}-${number}${ending ?? ""}`;
  }
  return name;
}

/** What a browser calls a picture that was copied, with the moment instead. */
export function nameOf(file, now, word) {
  if (!/^image\.\w+$/.test(file.name)) return file.name;
  const digits = (value) => String(value).padStart(2, "0");
  const day = [now.getFullYear(), digits(now.getMonth() + 1), digits(now.getDate())].join("-");
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(digits).join("");
  return file.name.replace("image", `${word}-${day}-${time}`);
}

/** Takes what is pasted or dropped into a text as files beside it. */
export function addsFiles(ask, word) {
  const add = (event, view, data) => {
    const files = [...(data?.files ?? [])];
    if (!files.length || view.state.readOnly) return false;
    event.preventDefault();
    event.stopPropagation();
    addFiles(view, files, ask, word);
    return true;
  };
  return EditorView.domEventHandlers({
    // Programs that copy words often add a picture of them.
    paste: (event, view) => !event.clipboardData?.getData("text/plain") && add(event, view, event.clipboardData),
    drop(event, view) {
      const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
      if (at !== null && event.dataTransfer?.files.length) view.dispatch({ selection: { anchor: at } });
      return add(event, view, event.dataTransfer);
    },
  });
}

/** Lets a person choose files for the folder of the text. */
export function picksFiles(ask, word) {
  return (view) => {
    const input = Object.assign(document.createElement("input"), { type: "file", multiple: true });
    input.addEventListener("change", () => addFiles(view, [...input.files], ask, word));
    input.click();
    return true;
  };
}

async function addFiles(view, files, ask, word) {
  const taken = new Set();
  const has = async (name) => taken.has(name) || Boolean(await ask(LOOK, [name]));
  const list = new DataTransfer();
  const links = [];
  for (const file of files) {
    const name = await freeName(nameOf(file, new Date(), word), has);
    taken.add(name);
    list.items.add(new File([file], name, { type: file.type, lastModified: file.lastModified }));
    links.push(linkTo({ name, type: file.type }));
  }
  await ask(ADD, list.files);
  view.dispatch(view.state.replaceSelection(links.join("\n")), { userEvent: "input.paste", scrollIntoView: true });
}
