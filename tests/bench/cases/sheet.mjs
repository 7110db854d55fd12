// A workbook that is in memory: until its first sheet is read and its first rows are known as they are
// shown. Ours as the preview does it: a new worker for each file, its module compiled with the first file
// and before each that follows; SheetJS in one worker for all, told to read that sheet alone. The files are those that `cargo xtask corpus` fetched.

import { shownInTurns } from "../support/in_turns.mjs";

export const title = "the first rows of a workbook, in one browser";

export const run = () => shownInTurns("sheet", 200);
