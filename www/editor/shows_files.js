// Files beside a rendered Markdown text: pictures are drawn in the place of their description,
// links go to files.
//
// The page finds and reads them; nothing is ever fetched from elsewhere.

import { sizeOf } from "../thumbs/size.js";
import { formatOf } from "../viewer/formats.js";
import { fits } from "../viewer/pixels.js";
import { FileSource } from "../viewer/source.js";
import { GO, READ } from "./asks.js";

/** A larger picture stays its description. */
const PICTURE_BYTES_MAX = 32 * 1024 * 1024;
/** What was just added is not there at once. */
const LOOK_AGAIN_MS = [300, 1_000, 3_000, 10_000];

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

/** Draws the pictures of a rendered text and follows its links, until `end` is called. */
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
    // Tasks are ticked in the text, which is drawn anew then.
    if (event.target.type === "checkbox") event.preventDefault();
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
    if (!(await isDrawn(view, bytes))) return null;
    return URL.createObjectURL(new Blob([bytes], { type: type ?? "image/svg+xml" }));
  } catch {
    return null;
  } finally {
    source.end();
  }
}

/** Whether the page can draw it, and in bounded time. */
async function isDrawn(view, bytes) {
  const size = view === "picture" && sizeOf(bytes);
  if (size) return fits(size);
  const viewer = view === "drawing" && (await import(document.documentElement.dataset.viewer));
  return viewer ? viewer.isLight(bytes) : view === "picture";
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
