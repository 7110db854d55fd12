// What is below a folder: counted page by page, so that any vault can be counted and what is known
// so far can be shown.

/** Folders that wait to be counted; a vault of more is told as "at least". */
const FOLDERS_MAX = 1_000_000;
/** The engine's number for a page of a folder. */
export const TALLY = 2;

/**
 * Counts all below a folder.
 *
 * `ask(what, node, after)` answers `[files, bytes, folders, end]`, or nothing; `tell(sum)` hears what
 * is counted so far and answers whether to go on.
 */
export async function sumOf(folder, ask, tell) {
  const left = [[folder, null]];
  const sum = { files: 0, bytes: 0, folders: 0, whole: true, done: false };
  while (left.length) {
    const [node, after] = left.pop();
    const [files, bytes, folders, end] = await ask(TALLY, node, after);
    if (files === undefined) {
      sum.whole = false;
      continue;
    }
    sum.files += files;
    sum.bytes += bytes;
    sum.folders += folders.length;
    if (end) left.push([node, end]);
    const room = FOLDERS_MAX - left.length;
    if (folders.length > room) sum.whole = false;
    for (const below of folders.slice(0, room)) left.push([below, null]);
    if (!tell(sum)) return;
  }
  sum.done = true;
  tell(sum);
}
