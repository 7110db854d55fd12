// A drawing (SVG) as the picture that it is: in an `img`, where nothing of it runs or loads.
//
// The browser draws it in the process of this frame, and there are drawings that it would draw for years. So
// what it comes to is counted before (`weight.js`), and while it is drawn the page asks whether this
// frame is alive (`sandbox.js`).

import { Refused } from "../line.js";
import { DRAWING_BYTES_MAX, DRAWING_UNITS_MAX } from "../limits.js";
import { Picture } from "../picture.js";
import { quietly } from "./dom.js";
import { textOf } from "./encoding.js";
import { weightOf } from "./weight.js";

export async function drawing(shown) {
  const { root, name, texts } = shown;
  const text = await weighed(shown);
  const image = new Image();
  image.alt = name;
  // What was counted is what is drawn.
  image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  const picture = new Picture(root, image, texts);
  await image.decode().catch(() => {
    throw new Refused("unplayable");
  });
  picture.begin();
  quietly(root.querySelector(".viewer-picture"));
  picture.focus();
}

/** Says, by being answered, that the page may draw it. */
export async function weight(shown) {
  await weighed(shown);
}

/** The text of a drawing that can be drawn. */
async function weighed(shown) {
  const text = await textOf(shown, DRAWING_BYTES_MAX);
  if (!(weightOf(text) <= DRAWING_UNITS_MAX)) throw new Refused("heavy");
  return text;
}
