// What the search box asks the page; the numbers are those of `search.rs`.

/** The engine's port for the searcher, and the address and the name of the root. */
export const INDEX = 0;
/** What has these words in its name: of each `[address, icon, name, place]`. */
export const NAMES = 1;
/** The folder that is shown, if one is. */
export const FOLDER = 2;
/** The content of a file: its size, and a port to read it at. */
export const CONTENT = 3;
