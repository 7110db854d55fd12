// What lists, search and details say of labels without asking the engine.

/** The star: the label without text, so no tag is ever it. */
export const STAR = "";

/** How names are put in order. */
export const byName = new Intl.Collator(undefined, { numeric: true });

/** What two spellings of a tag have in common. */
export const fold = (text) => text.normalize("NFC").toLowerCase();

/** The address of what has a label. */
export const addressOf = (label) => (label ? `/labels/${encodeURIComponent(label)}` : "/labels");
