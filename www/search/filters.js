// What a query says of labels: `is:starred`, `tag:boat`, `tag:"summer holiday"`.

import { STAR } from "../labels/star.js";

const SAID = /(?:^|\s)(?:(is:starred)|tag:(?:"([^"]*)"?|(\S+)))(?=\s|$)/gi;

/** The words of a query without them, and the labels that it asks for. */
export function parted(query) {
  const labels = [];
  const words = query.replace(SAID, (_, star, quoted, bare) => {
    const label = star ? STAR : (quoted ?? bare).trim();
    if (star || label) labels.push(label);
    return " ";
  });
  return { words: words.trim(), labels };
}

/** The label as a query says it. */
export const said = (label) => (label === STAR ? "is:starred" : /\s/.test(label) ? `tag:"${label}"` : `tag:${label}`);
