// A PDF that is in memory: until its first page is painted 1,000 pixels wide, and its text is known.
// Ours as the preview does it: a new worker for each file, its module compiled with the first file and
// before each that follows; pdf.js with one worker for all. The files are those that `cargo xtask corpus` fetched, a sample spread over them.

import { shownInTurns } from "../support/in_turns.mjs";

export const title = "the first page of a PDF, in one browser";

export const run = () => shownInTurns("pdf", 60);
