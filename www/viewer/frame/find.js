// Finding in a page's text, without a document: which characters of which runs match.
//
// A page's text is one string, runs put together by what stands between them. Letters are
// compared without case, marks or ligatures; a search reaches over the ends of lines, where
// a word may be cut by a hyphen.

/** Matches further on are not counted. */
export const MATCHES_MAX = 10_000;

const JOINTS = { none: "", space: " ", line: " " };

/** Letters as they are compared. */
export function plain(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/\s+/gu, " ");
}

/**
 * A page's text for searching: the string, and for each of its units the run and the place
 * in that run's text.
 */
export function index(runs) {
  let text = "";
  const places = [];
  runs.forEach((run, at) => {
    let between = JOINTS[run.joint];
    if (run.joint === "line" && /\p{L}-$/u.test(runs[at - 1]?.text ?? "")) {
      text = text.slice(0, -1);
      places.pop();
      between = "";
    }
    if (between && !text.endsWith(" ")) {
      text += between;
      places.push(null);
    }
    let place = 0;
    for (const letter of run.text) {
      const compared = plain(letter);
      if (!(compared === " " && text.endsWith(" "))) {
        text += compared;
        for (let unit = 0; unit < compared.length; unit += 1) {
          places.push({ run: at, start: place, end: place + letter.length });
        }
      }
      place += letter.length;
    }
  });
  return { text, places };
}

/** All places where a page says the words: for each, pieces `{ run, start, end }`. */
export function matches({ text, places }, words) {
  const wanted = plain(words);
  const found = [];
  if (!wanted.trim()) return found;
  let from = text.indexOf(wanted);
  while (from >= 0 && found.length < MATCHES_MAX) {
    const pieces = [];
    for (const place of places.slice(from, from + wanted.length)) {
      if (!place) continue;
      const last = pieces.at(-1);
      if (last?.run === place.run) last.end = place.end;
      else pieces.push({ ...place });
    }
    found.push(pieces);
    from = text.indexOf(wanted, from + wanted.length);
  }
  return found;
}
