// Where pages stand and how they are drawn, as numbers: no document, no drawing.

/** Between pages, and above the first, in CSS pixels. */
export const GAP = 12;
export const ZOOM_MIN = 0.1;
export const ZOOM_MAX = 8;
/** Browsers stop at about 33 million pixels of height. */
const HEIGHT_MAX = 30_000_000;

/** Pixels of one drawing; the module draws no more than twice as many. */
const PIXELS_MAX = 4 * 1024 * 1024;
/** A side of one drawing. */
const SIDE_MAX = 4096;
/** A side of a piece of a page that is too large for one drawing. */
const PIECE = 1536;

/** CSS pixels of a point: both are parts of an inch. */
export const PX = 96 / 72;

/** The box of a small picture of a page, in CSS pixels, and what its row has beside it: a number, and room. */
const STRIP_WIDTH = 120;
const STRIP_HEIGHT = 150;
const STRIP_AROUND = 40;
/** A page of a few points is not blown up. */
const STRIP_SCALE_MAX = 4;

const STEPS = [0.1, 0.25, 0.33, 0.5, 0.67, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6, 8];

/** The next zoom in a direction. */
export function step(zoom, direction) {
  const next =
    direction > 0
      ? STEPS.find((value) => value > zoom * 1.01)
      : STEPS.findLast((value) => value < zoom * 0.99);
  return next ?? (direction > 0 ? ZOOM_MAX : ZOOM_MIN);
}

/** The zoom at which the widest page is as wide as its window. */
export function fitting(pages, width) {
  const widest = pages.reduce((most, [page]) => Math.max(most, page), 1);
  return within(pages, Math.max(width - 2 * GAP, 1) / (widest * PX), ZOOM_MAX);
}

/** A zoom that can be shown. */
export function within(pages, zoom, most = ZOOM_MAX) {
  const height = pages.reduce((sum, [, page]) => sum + page * PX, 1);
  return Math.min(Math.max(zoom, ZOOM_MIN), most, HEIGHT_MAX / height);
}

/** Each page's upper edge, and the height of all. */
export function stack(pages, zoom) {
  let top = GAP;
  const tops = pages.map(([, height]) => {
    const here = top;
    top += height * PX * zoom + GAP;
    return here;
  });
  return { tops, height: top };
}

/** A page as it fits into its box on a screen of so many pixels for one of CSS. */
export function reduced([width, height], ratio) {
  const scale = Math.min(STRIP_WIDTH / width, STRIP_HEIGHT / height, STRIP_SCALE_MAX) * ratio;
  const pixels = (points) => Math.max(1, Math.round(points * scale));
  return { scale, width: pixels(width), height: pixels(height) };
}

/** How high the rows of all small pictures are. */
export function rowOf(pages) {
  return pages.reduce((most, page) => Math.max(most, reduced(page, 1).height), 1) + STRIP_AROUND;
}

/** The page at a height, by halving. */
export function pageAt(tops, height) {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= height) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * The drawings that a page needs at a scale of pixels for a point: one, or the pieces that
 * touch the window `{ left, top, right, bottom }`, given in the page's pixels.
 */
export function pieces([width, height], scale, window) {
  const wide = Math.max(1, Math.round(width * scale));
  const high = Math.max(1, Math.round(height * scale));
  if (wide * high <= PIXELS_MAX && wide <= SIDE_MAX && high <= SIDE_MAX) {
    return [{ x: 0, y: 0, width: wide, height: high }];
  }
  const found = [];
  const first = (value) => Math.max(0, Math.floor(value / PIECE) * PIECE);
  for (let y = first(window.top); y < Math.min(high, window.bottom); y += PIECE) {
    for (let x = first(window.left); x < Math.min(wide, window.right); x += PIECE) {
      found.push({ x, y, width: Math.min(PIECE, wide - x), height: Math.min(PIECE, high - y) });
    }
  }
  return found;
}
