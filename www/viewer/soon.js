// The preview of a PDF is made ready when somebody points at one in a list: its module is the largest by far, and
// fetching, verifying and starting it would come between the person and the first page.
//
// The page's wasm knows nothing of it: each row says its name. Whoever only passes over rows makes nothing ready.

/** What takes long enough to be felt, by its name, and its module. */
const SLOW = [{ names: /\.pdf$/i, module: "pdf" }];
/** How long a pointer rests before it means something. */
const RESTS_MS = 150;

let resting;

/** Looks at rows from now on. */
export function watch() {
  document.addEventListener("pointerover", ({ target }) => {
    clearTimeout(resting);
    const module = moduleOf(target);
    if (module) resting = setTimeout(() => prepares(module), RESTS_MS);
  });
  document.addEventListener("focusin", ({ target }) => {
    const module = moduleOf(target);
    if (module) prepares(module);
  });
}

/** The module that the file of a row wants, or nothing. */
export function moduleOf(target) {
  const name = target.closest?.("[role=row]")?.getAttribute("aria-label") ?? "";
  return SLOW.find(({ names }) => names.test(name))?.module;
}

async function prepares(module) {
  try {
    const { ready } = await import(document.documentElement.dataset.viewer);
    await ready(module);
  } catch (error) {
    // Whoever opens the file is told what is wrong.
    console.info(String(error));
  }
}
