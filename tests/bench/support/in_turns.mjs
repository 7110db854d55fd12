// Files of a format shown by ours and by another, in turns, in one browser.

import { compare, sample } from "./corpus.mjs";
import { showersOf } from "./showers.mjs";
import { Stage } from "./stage.mjs";

/** Milliseconds until each was shown, or null where one of them does not. */
async function measure({ other, ...given }) {
  const [{ inTurns }, shows] = await Promise.all([import("/parser.mjs"), import("/shows.mjs")]);
  await shows.begin();
  return inTurns(given, shows.offing, other, shows.other);
}

/** The rows of a case about so many files. */
export async function shownInTurns(format, count) {
  const { other, ending, files, ...parser } = await showersOf(format);
  const stage = await Stage.open({ ...files, ...(await sample(ending, count)) });
  try {
    return compare(await stage.page.run(measure, { other, count, ...parser }), other);
  } finally {
    await stage.end();
  }
}
