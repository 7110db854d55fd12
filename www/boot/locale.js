// How times are printed: as lists have them.

/** The person's own region, if it is one of the page's language; that language otherwise. */
export function localeOf(language) {
  const primary = (tag) => tag.split("-")[0];
  const own = navigator.language;
  return primary(own) === primary(language) ? own : language;
}
