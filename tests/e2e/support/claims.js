// What was shown as saved, and whether it is there: for tests that kill and break things.

import assert from "node:assert/strict";

import { downloads } from "./transfers.js";
import { noise } from "./world.js";

const SAVED = /^(Saved here|On server)/;

/** Waits until the pill says saved, and has said more than `before` things. */
export async function isSaved(tab, before = 0, options = {}) {
  await tab.page.waitForFunction(
    ([before, pattern]) => {
      const said = globalThis.saidByPill ?? [];
      return said.length > before && new RegExp(pattern).test(said.at(-1));
    },
    [before, SAVED.source],
    options,
  );
}

/** What was shown as saved in one folder. */
export class Claims {
  folders = [];
  /** Texts with the words that are in them. */
  texts = new Map();
  /** Files with what `noise` makes them of. */
  files = new Map();

  constructor(folder, address) {
    this.folder = folder;
    this.address = address;
  }

  get count() {
    return this.folders.length + this.files.size + [...this.texts.values()].flat().length;
  }

  get names() {
    return [...this.folders, ...this.texts.keys(), ...this.files.keys()];
  }
}

/** Looks for everything that was claimed, in its folder. */
export async function finds(device, claims, { contents }) {
  // By its address: a list of many lives shows only some of its rows.
  await device.opens(claims.address);
  await device.crumb(claims.folder).waitFor();
  await device.sees(...claims.names);
  for (const [note, words] of claims.texts) {
    const text = await device.textOf(note);
    for (const line of words) assert.ok(text.includes(line), `${claims.folder}/${note} has "${line}":\n${text}`);
  }
  if (!contents) return;
  for (const [file, { bytes, seed }] of claims.files) {
    const got = await downloads(device, file);
    assert.ok(got.bytes.equals(noise(bytes, seed)), `${claims.folder}/${file} is what it was`);
  }
}
