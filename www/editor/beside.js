// Files beside a Markdown text: pictures are drawn where the preview describes them, links go to
// files, and what is pasted or dropped becomes a file in the text's folder.
//
// The page finds and reads them; nothing is ever fetched from elsewhere.

import { EditorView } from "@codemirror/view";

import { formatOf } from "../viewer/formats.js";
import { FileSource } from "../viewer/source.js";

/** What the page is asked; the numbers are those of `beside.rs`. */
const LOOK = 0;
const READ = 1;
const GO = 2;
const ADD = 3;

/** A larger picture stays its description. */
const PICTURE_BYTES_MAX = 32 * 1024 * 1024;
/** What was just added is not there at once. */
const LOOK_AGAIN_MS = [300, 1_000, 3_000, 10_000];
/** How many names are tried before a file is added under one that exists. */
const NAMES_MAX = 100;

/** The names that a link goes through; null where it goes elsewhere, or to a place in the text. */
export function pathOf(link) {
  if (/^([a-z][a-z0-9+.-]*:|\/\/|#|$)/i.test(link)) return null;
  const [path] = link.split(/[?#]/, 1);
  try {
    return path.split("/").map(decodeURIComponent).filter((name, at) => name || at === 0);
  } catch {
    return null;
  }
}

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

/** Draws the pictures of a preview and follows its links, until `end` is called. */
export function showsFiles(preview, ask) {
  const shown = new Map();
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      draw(target);
    }
  });
  const look = () => {
    for (const place of preview.querySelectorAll(".md-image[data-src]:not([data-seen])")) {
      place.dataset.seen = "";
      near.observe(place);
    }
  };

  async function draw(place) {
    const path = pathOf(place.dataset.src);
    if (!path) return;
    const key = JSON.stringify(path);
    for (const wait of [0, ...LOOK_AGAIN_MS]) {
      if (wait) await new Promise((resolve) => setTimeout(resolve, wait));
      if (!place.isConnected) return;
      if (!shown.has(key)) shown.set(key, pictureAt(path, ask));
      const url = await shown.get(key);
      if (url) return put(place, url);
      shown.delete(key);
    }
  }

  function follow(event) {
    const link = event.target.closest?.("a[href]")?.getAttribute("href");
    const path = link && pathOf(link);
    if (!path || event.defaultPrevented) return;
    event.preventDefault();
    ask(GO, path);
  }

  const changes = new MutationObserver(look);
  changes.observe(preview, { childList: true, subtree: true, attributeFilter: ["data-src"] });
  preview.addEventListener("click", follow);
  look();
  return {
    async end() {
      changes.disconnect();
      near.disconnect();
      preview.removeEventListener("click", follow);
      for (const url of await Promise.all(shown.values())) if (url) URL.revokeObjectURL(url);
    },
  };
}

/** Reads a picture beside the text; null where there is none. */
async function pictureAt(path, ask) {
  const found = await ask(READ, path);
  if (!found) return null;
  const [name, size, port] = found;
  const source = new FileSource({ name, size, port });
  try {
    if (size > PICTURE_BYTES_MAX) return null;
    const bytes = await source.read(0, size);
    const { view, type } = formatOf({ name, depth: 0 }, bytes.subarray(0, 512));
    return view === "picture" ? URL.createObjectURL(new Blob([bytes], { type })) : null;
  } catch {
    return null;
  } finally {
    source.end();
  }
}

async function put(place, url) {
  const image = new Image();
  image.alt = place.textContent;
  image.src = url;
  try {
    await image.decode();
  } catch {
    return;
  }
  place.replaceChildren(image);
  place.className = "md-picture";
}
