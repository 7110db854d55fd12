// What a picture says of itself, in its details, and the copy of it that does not say where it was
// taken. A module reads it, in the sandbox of previews; what it answers becomes text and nothing else.

import { ADD, READ } from "../editor/asks.js";
import { textsOf } from "./picture_texts.js";

/**
 * Fills a section of the details.
 *
 * - `name`: the picture's;
 * - `local`: whether it is on this device: of one that is not only the beginning is fetched;
 * - `beside(what, about)`: what the page does beside it (`client/src/editor/beside.rs`);
 * - `add(facts, name, value)`, `button(text, className, does)`, `make(tag, className, text)`;
 * - `locale`: the one of times and numbers.
 */
export async function showsPicture(section, { name, local, beside, locale, add, button, make }) {
  const texts = textsOf(document.documentElement.lang);
  const viewer = import(document.documentElement.dataset.viewer);
  const opened = async () => {
    const file = await beside(READ, [name]);
    if (!file) throw Object.assign(new Error(), { reason: "away" });
    return { name: file[0], size: file[1], port: file[2] };
  };
  const facts = make("dl", "key-list");
  facts.setAttribute("aria-busy", "true");
  const note = make("p", "hint");
  note.setAttribute("role", "status");
  section.append(make("h3", "", texts.picture), facts, note);
  const says = (error) => (note.textContent = texts[error.reason] ?? texts.crash);
  let about;
  try {
    about = await (await viewer).factsOf(await opened(), local);
  } catch (error) {
    return says(error);
  } finally {
    facts.removeAttribute("aria-busy");
  }
  for (const [term, value] of linesOf(about.facts, texts, locale)) add(facts, term, make("bdi", "", value));
  if (!facts.firstChild) note.textContent = texts.nothing;
  if (!about.facts.tellsPlace) return;
  if (!about.copies) return (note.textContent = texts.noCopy);
  note.textContent = texts.keeps;
  let busy = false;
  const save = button(texts.copy, "button", async () => {
    if (busy) return;
    busy = true;
    note.textContent = texts.copying;
    try {
      const { bytes, facts, shortened } = await (await viewer).placelessOf(await opened());
      // The module has read the copy again; this is what it found.
      if (facts.place || facts.tellsPlace) throw Object.assign(new Error(), { reason: "broken" });
      const called = texts.copyName(...splitName(name));
      const list = new DataTransfer();
      list.items.add(new File([bytes], called));
      await beside(ADD, list.files);
      note.textContent = [texts.copied(called), shortened && texts.shortened].filter(Boolean).join(" ");
    } catch (error) {
      says(error);
    }
    busy = false;
  });
  facts.after(save);
}

/** A name without its ending, and the ending with its dot. */
function splitName(name) {
  const dot = name.lastIndexOf(".");
  return [name.slice(0, dot), name.slice(dot)];
}

/** What is shown, as `[what, text]`: what is not said has no line. */
export function linesOf(facts, texts, locale) {
  const number = (value, digits = 0) => value.toLocaleString(locale, { maximumFractionDigits: digits });
  const { pixels, orientation, taken, exposure, aperture, sensitivity, focal, focalFilm, place, tellsPlace } = facts;
  const exposed = [
    exposure && texts.seconds(secondsOf(exposure, number)),
    aperture && `f/${number(aperture / 100, 1)}`,
    sensitivity && `ISO ${sensitivity}`,
  ];
  const lines = [
    [texts.taken, taken && timeOf(taken, locale)],
    [texts.camera, facts.camera],
    [texts.lens, facts.lens],
    [texts.exposure, exposed.filter(Boolean).join(", ")],
    [texts.focal, focal && texts.millimetres(number(focal / 100, 1), focalFilm && number(focalFilm))],
    [texts.pixels, pixels && texts.pixelsOf(...pixels.map((side) => number(side)), number((pixels[0] * pixels[1]) / 1e6, 1))],
    [texts.turned, texts.turns[orientation]],
    [texts.author, facts.author],
    [texts.copyright, facts.copyright],
    [texts.software, facts.software],
    [texts.place, place ? placeOf(place, texts, number) : tellsPlace && texts.placeSomehow],
  ];
  return lines.filter(([, value]) => value);
}

/** A time of exposure, as cameras write it: parts of a second below a third of one. */
function secondsOf([above, below], number) {
  return above * 3 < below ? `1/${number(below / above)}` : number(above / below, 1);
}

/** The camera's clock as it stood, wherever it is read. */
function timeOf({ clock: [year, month, ...rest], offset }, locale) {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, rest[0]);
  time.setUTCHours(...rest.slice(1));
  if (offset === null) return format.format(time);
  const two = (number) => String(number).padStart(2, "0");
  const ahead = Math.abs(offset);
  return `${format.format(time)} (UTC${offset < 0 ? "−" : "+"}${two(Math.floor(ahead / 60))}:${two(ahead % 60)})`;
}

function placeOf({ latitude, longitude, altitude }, texts, number) {
  const side = (value, [plus, minus]) => `${number(Math.abs(value) / 1e6, 5)}° ${value < 0 ? minus : plus}`;
  const height = altitude === null ? [] : [texts.altitude(number(Math.abs(altitude)), altitude < 0)];
  return [side(latitude, texts.northSouth), side(longitude, texts.eastWest), ...height].join(", ");
}
