// HTML that is written, shown as a page beside its text while somebody looks at that.

/** How long typing pauses before the page follows. */
const PAUSE_MS = 400;

/**
 * Fills a region, whenever it is not hidden, with the page that a text describes; `read()` gives the text.
 *
 * Returns `changed()`, to be called when the text is another, and `end()`.
 */
export function showsPage(region, fileName, read) {
  let page = null;
  let shown = null;
  let timer = 0;
  let drawn = Promise.resolve();

  async function show() {
    if (region.hidden) return;
    const html = read();
    if (html === shown) return;
    shown = html;
    // The viewer, which has the sandbox, for this alone.
    page ??= new (await import("../viewer/viewer.js")).Page(region, fileName);
    await page.show(html);
  }
  const showNext = () => {
    drawn = drawn.then(show, show);
  };

  const watch = new MutationObserver(showNext);
  watch.observe(region, { attributes: true, attributeFilter: ["hidden"] });
  return {
    changed() {
      clearTimeout(timer);
      timer = setTimeout(showNext, PAUSE_MS);
    },
    end() {
      clearTimeout(timer);
      watch.disconnect();
      page?.end();
    },
  };
}
