// What no file may make the page wait for or hold: every bound that is kept outside of the
// modules. Those inside (memory, expansion, members, output) stand in
// `preview/src/limits.rs`.

/** How long a module may take for one answer. */
export const ANSWER_MS = 10_000;

/** How long the frame may be silent, beyond what its module may take. */
export const FRAME_MS = 15_000;

/** How long after an answer the frame is asked again whether it still answers, and how long one that was silent gets once more. */
export const WATCH_MS = 2_000;
export const AGAIN_MS = 3_000;

/** A file that is handed to a module whole. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** What is read of a file at once; the engine gives no more. */
export const READ_BYTES_MAX = 4 * 1024 * 1024;

/** How often a module that reads in pieces may need more before it answers. */
export const NEEDS_MAX = 50_000;

/** What is looked at to tell what a file is. */
export const HEAD_BYTES = 4096;

/** What is read first of a picture to learn what it says of itself. */
export const BEGINNING_BYTES = 256 * 1024;

/** What may be taken out of an archive into the drive at once. */
export const EXTRACT_BYTES_MAX = 256 * 1024 * 1024;

/** An address that a file leads to; `preview/src/pdf/links.rs` gives no longer one. */
export const ADDRESS_CHARS_MAX = 2048;

/** A text that is shown; more of it is for a download. */
export const TEXT_BYTES_MAX = 64 * 1024 * 1024;

/** A page of HTML that is drawn: its file, its elements and texts, and how deep those stand in one another. */
export const PAGE_BYTES_MAX = 8 * 1024 * 1024;
export const PAGE_NODES_MAX = 200_000;
export const PAGE_DEPTH_MAX = 256;

/** A drawing (SVG): its file, how deep elements stand in one another and refer to one another, and what it comes to, in the units of `frame/weight.js`. */
export const DRAWING_BYTES_MAX = 16 * 1024 * 1024;
export const DRAWING_DEPTH_MAX = 256;
export const DRAWING_UNITS_MAX = 1_000_000;

/** What a picture may say of its size before it is decoded: no camera makes larger ones. */
export const PICTURE_SIDE_MAX = 32_767;
export const PICTURE_PIXELS_MAX = 16_384 * 12_288;

/** How large a picture is drawn, however much somebody enlarges it. */
export const PICTURE_DRAWN_MAX = 65_536;

/** What the search index takes of a file, and how long that may take. */
export const WORDS_CHARS_MAX = 1024 * 1024;
export const WORDS_MS = 8_000;

/** How many archives inside one another are opened. */
export const DEPTH_MAX = 1;

/** Files on which a module breaks down, without a good one between, before it is rolled back. */
export const FAILURES_MAX = 3;
