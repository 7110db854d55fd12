// From a word in the search box to the first name and to the first text that has it, in a vault of 2,000 texts that
// this device has read, and what the tab takes of memory for it. The box waits a moment while somebody types
// (`TYPED_MS` in `www/search/search.js`), which is part of each time.

import { median, quantile, round } from "../support/figures.mjs";
import { tabMemory } from "../support/process.mjs";
import { Vault } from "../support/vault.mjs";

export const title = "the first search result, of 2,000 texts";

const TEXTS = 2_000;
const WORDS_OF_TEXT = 300;
const WORDS = 20_000;
const NAMES = ".search-hits > ul:not(.search-texts) a";
const FOUND = ".search-texts a";

/** A word that can be spoken, another for each number. */
function word(number) {
  let [rest, made] = [number + 60, ""];
  while (rest > 0) {
    made += "bdfgklmnprst"[rest % 12];
    rest = Math.floor(rest / 12);
    made += "aeiou"[rest % 5];
    rest = Math.floor(rest / 5);
  }
  return made;
}

/** Texts whose words are as rare as those of a language (Zipf's law), the same in each run. */
function texts() {
  let state = 0x5eed;
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const one = () => word(Math.floor(WORDS ** random()) - 1);
  return Array.from({ length: TEXTS }, (_, at) => [`paper ${at}.md`, `${Array.from({ length: WORDS_OF_TEXT }, one).join(" ")} ${word(WORDS + at)}\n`]);
}

/** In the page: uploads them. */
async function uploads(texts) {
  const engine = globalThis.engineOf;
  const folder = await engine.createFolder(engine.ROOT, "Texts");
  const bytes = texts.map(([, text]) => new TextEncoder().encode(text));
  await engine.upload(folder, texts.map(([name]) => name), bytes);
  while ((await engine.folder(folder, 1)).total < texts.length) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** In the page: milliseconds from a word in the box to the first row of a kind, or null where none comes. */
async function finds({ text, rows, withinMs }) {
  const input = document.querySelector("input[type=search]");
  const types = (value) => {
    input.value = value;
    input.dispatchEvent(new InputEvent("input", { bubbles: true }));
  };
  input.focus();
  document.querySelector(".search-hits")?.querySelectorAll("a").forEach((one) => one.remove());
  const begun = performance.now();
  types(text);
  while (!document.querySelector(rows)) {
    if (performance.now() - begun > withinMs) return null;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  return performance.now() - begun;
}

async function measured(vault, reps) {
  await vault.page.run(uploads, texts());
  await vault.synced();
  await vault.opens("/");
  await vault.listed();
  const before = tabMemory(vault.browser.child.pid);
  const last = word(WORDS + TEXTS - 1);
  const begun = performance.now();
  const reading = async () => (await vault.page.run(finds, { text: last, rows: FOUND, withinMs: 2_000 })) === null;
  while (await reading()) if (performance.now() - begun > 600_000) throw new Error("the texts are not read");
  const read = performance.now() - begun;
  const kinds = [
    ["a name", NAMES, (at) => `paper ${at * 7}.md`],
    ["a text with a common word", FOUND, (at) => word(at)],
    ["a text with a rare word", FOUND, (at) => word(WORDS + at * 11)],
    ["a text by the beginning of a word", FOUND, (at) => word(400 + at * 3).slice(0, 4)],
  ];
  const rows = [{ figure: "all texts read", value: round(read / 1000), unit: "s" }];
  for (const [what, selector, textOf] of kinds) {
    const times = [];
    for (let at = 0; at < reps * 4; at += 1) {
      const ms = await vault.page.run(finds, { text: textOf(at), rows: selector, withinMs: 10_000 });
      if (ms !== null) times.push(ms);
    }
    const note = `${times.length} of ${reps * 4} found, 19 of 20 within ${round(quantile(times, 0.95), 0)} ms`;
    rows.push({ figure: `the first ${what}`, value: round(median(times), 0), unit: "ms", note });
  }
  const after = tabMemory(vault.browser.child.pid);
  rows.push({ figure: "the tab's memory before and after", value: `${round(before, 0)} → ${round(after, 0)}`, unit: "MiB" });
  return rows;
}

export async function run({ reps }) {
  const vault = await Vault.create();
  try {
    return await measured(vault, reps);
  } finally {
    await vault.end();
  }
}
