// In which order names are shown: the nearer to what was typed, the earlier.

import { fold } from "../labels/star.js";

const WHOLE = 0;
const BEGINS = 1;
const WORDS_BEGIN = 2;
const HAS = 3;
const SLIPPED = 4;

/** How far a name is from the words of a query. */
export function rankOf(name, query) {
  const [named, asked] = [fold(name), fold(query).trim()];
  if (named === asked || named.replace(/\.[^.]*$/, "") === asked) return WHOLE;
  if (named.startsWith(asked)) return BEGINS;
  const wanted = asked.split(/\s+/);
  const words = named.split(/[^\p{L}\p{M}\p{N}]+/u);
  if (wanted.every((one) => words.some((word) => word.startsWith(one)))) return WORDS_BEGIN;
  return wanted.every((one) => named.includes(one)) ? HAS : SLIPPED;
}
