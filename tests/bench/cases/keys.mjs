// From the close of a batch of edits to "saved on this device": sealed, and committed
// with strict durability. The text is pushed as the editor pushes it.

import { quantile, round } from "../support/figures.mjs";
import { Vault } from "../support/vault.mjs";

export const title = "keystroke to saved on this device";

export async function run({ reps }) {
  const vault = await Vault.create();
  try {
    const times = await vault.page.run(async (count) => {
      const engine = globalThis.engineOf;
      const note = await engine.createText(engine.ROOT, "note.md");
      await engine.openText(note);
      const found = [];
      for (let version = 0; version < count; version += 1) {
        const changes = version === 0 ? [[0, "x"]] : [version, [0, "x"]];
        if (!(await engine.pushText(note, version, [changes]))) throw new Error("the edit was not taken");
        const closed = performance.now();
        await engine.flushText(note);
        found.push(performance.now() - closed);
      }
      await engine.closeText(note);
      return found;
    }, reps * 60);
    return [
      { figure: "batch closed → saved, p50", value: round(quantile(times, 0.5)), unit: "ms" },
      { figure: "batch closed → saved, p99", value: round(quantile(times, 0.99)), unit: "ms", goal: "≤ 50" },
    ];
  } finally {
    await vault.end();
  }
}
