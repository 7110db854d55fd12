// The editing trace of 259,778 edits through the engine's editing path: edits come as
// the editor sends them when it has fallen behind, batches are coalesced, sealed and stored.
//
// The trace is not part of the project; `OFFING_TRACE` names its JSON file (or .json.gz),
// in the form of https://github.com/josephg/editing-traces.

import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";

import { round } from "../support/figures.mjs";
import { Vault } from "../support/vault.mjs";

export const title = "editing trace";

export async function run() {
  const file = process.env.OFFING_TRACE;
  if (!file) return [{ figure: "skipped", value: "–", note: "OFFING_TRACE names no trace file" }];
  const raw = await readFile(file);
  const trace = JSON.parse(file.endsWith(".gz") ? gunzipSync(raw) : raw);
  const edits = trace.txns.flatMap((txn) => txn.patches);
  const vault = await Vault.create();
  try {
    await vault.synced();
    const before = await vault.stored();
    await vault.page.run(async (start) => {
      const engine = globalThis.engineOf;
      const note = await engine.createText(engine.ROOT, "trace.txt");
      await engine.openText(note);
      globalThis.trace = { note, version: 0, length: 0, ms: 0 };
      globalThis.pushEdits = async (patches) => {
        const state = globalThis.trace;
        const begin = performance.now();
        // The editor pushes what was typed since its last push, an update for each edit and
        // at most so many at once (`PUSH_UPDATES_MAX`).
        for (let place = 0; place < patches.length; place += 256) {
          const updates = patches.slice(place, place + 256).map(([at, removed, inserted]) => {
            const rest = state.length - at - removed;
            state.length += inserted.length - removed;
            const changes = [];
            if (at) changes.push(at);
            changes.push([removed, ...(inserted ? inserted.split("\n") : [])]);
            if (rest) changes.push(rest);
            return changes;
          });
          if (!(await engine.pushText(state.note, state.version, updates))) throw new Error("edits were not taken");
          state.version += updates.length;
        }
        state.ms += performance.now() - begin;
      };
      if (start) await globalThis.pushEdits([[0, 0, start]]);
    }, trace.startContent ?? "");
    for (let place = 0; place < edits.length; place += 10_000) {
      await vault.page.run((patches) => globalThis.pushEdits(patches), edits.slice(place, place + 10_000));
    }
    const ms = await vault.page.run(async () => {
      const begin = performance.now();
      await globalThis.engineOf.flushText(globalThis.trace.note);
      return globalThis.trace.ms + performance.now() - begin;
    });
    await vault.page.run(() => globalThis.engineOf.closeText(globalThis.trace.note));
    await vault.synced();
    const after = await vault.stored();
    const text = await vault.page.run(async () => {
      const reader = await globalThis.engineOf.openText(globalThis.trace.note);
      reader.hex(16);
      reader.text();
      for (let crumbs = reader.varint(); crumbs > 0; crumbs -= 1) {
        reader.hex(16);
        reader.text();
      }
      return reader.text();
    });
    if (text !== trace.endContent) throw new Error("the text at the end is not the trace's");
    return [
      { figure: `${edits.length} edits, until saved`, value: round(ms, 0), unit: "ms", note: `${round((edits.length / ms) * 1000, 0)} edits/s` },
      { figure: "bytes that the server grew by", value: after - before, unit: "B", note: `the text has ${trace.endContent.length}` },
    ];
  } finally {
    await vault.end();
  }
}
