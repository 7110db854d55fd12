import assert from "node:assert/strict";
import { test } from "node:test";

import { linesOf } from "./picture.js";
import { isPicture } from "./picture_names.js";
import { TEXTS } from "./picture_texts.js";

/** What a picture says that says nothing. */
const SILENT = {
  pixels: null, orientation: null, taken: null, camera: null, lens: null, exposure: null, aperture: null,
  sensitivity: null, focal: null, focalFilm: null, author: null, copyright: null, software: null, place: null,
  tellsPlace: false,
};
const lines = (facts, texts = TEXTS.en, locale = "en-GB") => Object.fromEntries(linesOf({ ...SILENT, ...facts }, texts, locale));

test("a photo is told in people's words", () => {
  const facts = {
    pixels: [4_000, 3_000], orientation: 6, taken: { clock: [2024, 5, 6, 7, 8, 9], offset: -150 }, exposure: [10, 2_500],
    aperture: 280, sensitivity: 400, focal: 3_500, focalFilm: 52, place: { latitude: 38_708_333, longitude: -9_133_300, altitude: -12 },
  };
  assert.deepEqual(lines(facts), {
    Taken: "6 May 2024, 07:08 (UTC−02:30)",
    Exposure: "1/250 s, f/2.8, ISO 400",
    "Focal length": "35 mm (as 52 mm on film)",
    Pixels: "4,000 × 3,000 (12 million)",
    Turned: "To the right",
    Place: "38.70833° N, 9.1333° W, 12 m below the sea",
  });
});

test("what a picture does not say has no line", () => {
  assert.deepEqual(lines({}), {});
  assert.deepEqual(lines({ orientation: 1, exposure: [5, 2] }), { Exposure: "2.5 s" });
  assert.deepEqual(Object.keys(lines({ tellsPlace: true })), ["Place"]);
});

test("the clock of a camera is not moved to another zone, in any year", () => {
  assert.equal(lines({ taken: { clock: [99, 1, 2, 23, 59, 60], offset: null } }).Taken, "3 Jan 99, 00:00");
});

test("pictures are told by their names", () => {
  assert.deepEqual(["a.JPG", "b.heic", "c.dng", "d.gif", "jpg"].map(isPicture), [true, true, true, false, false]);
});

test("both languages have the same texts", () => {
  assert.deepEqual(Object.keys(TEXTS.zh).sort(), Object.keys(TEXTS.en).sort());
  assert.deepEqual(Object.keys(TEXTS.zh.turns), Object.keys(TEXTS.en.turns));
});
