// Frames while somebody types into, and scrolls through, a text of 1 MiB: one that is plain, one in Markdown and
// one of a program. Keys come through DevTools, as those of a keyboard do.

import { quantile, round } from "../support/figures.mjs";
import { Vault } from "../support/vault.mjs";

export const title = "frames in the editor, a text of 1 MiB";

/** As much as a text may have, but for what is typed here. */
const BYTES = 1024 * 1024 - 4_096;
const PUSH_LINES = 1_000;
const KEYS = 150;
const KEY_EVERY_MS = 40;
const WHEELS = 60;
const WHEEL_EVERY_MS = 32;
/** Half a frame late, at 60 in a second. */
const LATE_MS = 25;

const WORDS = "the light of the north mole is seen from twelve miles at night and from six in rain".split(" ");
const sentence = (line) => Array.from({ length: 9 }, (_, word) => WORDS[(line * 7 + word * (1 + (line % 5))) % WORDS.length]).join(" ");
const LINES = {
  "a plain text": ["plain.txt", sentence],
  Markdown: ["notes.md", (line) => [`## Day ${line}`, "", `- [ ] ${sentence(line)}, **${WORDS[line % WORDS.length]}** and \`${line}\``, `See [the log](log-${line}.md). ${sentence(line)}`][line % 4]],
  "a program": ["lamp.rs", (line) => [`/// Says ${sentence(line)}.`, `pub fn lamp_${line}(night: &Night) -> Result<u32, Fault> {`, `    let seen = night.lights().filter(|light| light.miles > ${line % 40}).count();`, `    println!("{seen} of {}", "${line}");`, "    Ok(seen as u32)", "}"][line % 6]],
};

/** Makes a text as an editor does; its node. */
async function made(vault, [name, lineOf]) {
  const lines = [];
  for (let bytes = 0; bytes < BYTES; bytes += lines.at(-1).length + 1) lines.push(lineOf(lines.length));
  return vault.page.run(async ({ name, lines, step }) => {
    const engine = globalThis.engineOf;
    const node = await engine.createText(engine.ROOT, name);
    await engine.openText(node);
    let [length, version] = [0, 0];
    for (let at = 0; at < lines.length; at += step, version += 1) {
      const part = [...lines.slice(at, at + step), ""];
      const insert = [0, ...part];
      if (!(await engine.pushText(node, version, [length ? [length, insert] : [insert]]))) throw new Error("the text was not taken");
      length += part.join("\n").length;
    }
    await engine.flushText(node);
    await engine.closeText(node);
    return node;
  }, { name, lines, step: PUSH_LINES });
}

/** In the page: how long after its address was opened the lines of a text are there. */
async function shown() {
  const content = () => document.querySelector(".editor-host")?.shadowRoot?.querySelector(".cm-content");
  while (!content()?.querySelector(".cm-line")) await new Promise((resolve) => setTimeout(resolve, 10));
  content().focus();
  return performance.now();
}

/** In the page: begins to note how long frames and tasks take. */
function observe() {
  const noted = { frames: [], tasks: [], keys: [] };
  const notes = (list, to) => list.getEntries().forEach((entry) => to.push(entry.duration));
  new PerformanceObserver((list) => notes(list, noted.tasks)).observe({ type: "longtask" });
  new PerformanceObserver((list) => notes({ getEntries: () => list.getEntries().filter(({ name }) => name === "keydown") }, noted.keys)).observe({ type: "event", durationThreshold: 16 });
  let last;
  const frame = (now) => {
    if (last) noted.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  globalThis.noted = noted;
}

/** In the page: what was noted since the last time. */
function takes() {
  const { frames, tasks, keys } = globalThis.noted;
  return { frames: frames.splice(0), tasks: tasks.splice(0), keys: keys.splice(0) };
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function types(page) {
  for (let key = 0; key < KEYS; key += 1) {
    const text = "abcdefg "[key % 8];
    await page.send("Input.dispatchKeyEvent", { type: "keyDown", key: text, text });
    await page.send("Input.dispatchKeyEvent", { type: "keyUp", key: text });
    await wait(KEY_EVERY_MS);
  }
}

async function scrolls(page) {
  for (let wheel = 0; wheel < WHEELS; wheel += 1) {
    await page.send("Input.dispatchMouseEvent", { type: "mouseWheel", x: 600, y: 500, deltaX: 0, deltaY: 400 });
    await wait(WHEEL_EVERY_MS);
  }
}

function told(what, { frames, tasks, keys }) {
  const late = frames.filter((frame) => frame > LATE_MS).length;
  const typed = keys.length ? `; ${keys.length} keys took 16 ms or more until painted, the longest ${round(Math.max(...keys), 0)} ms` : "";
  const note = `${late} of ${frames.length} above ${LATE_MS} ms, the longest ${round(Math.max(...frames), 0)} ms; ${tasks.length} tasks above 50 ms${typed}`;
  return { figure: `${what}: 95 of 100 frames are within`, value: round(quantile(frames, 0.95)), unit: "ms", goal: "≤ 16.7", note };
}

export async function run() {
  const vault = await Vault.create();
  const rows = [];
  try {
    for (const [what, how] of Object.entries(LINES)) {
      await vault.opens("/");
      await vault.listed();
      const node = await made(vault, how);
      await vault.synced();
      for (const time of ["for the first time", "again"]) {
        await vault.opens("/");
        await vault.listed();
        await vault.opens(vault.address(node));
        const opened = await vault.page.run(shown);
        rows.push({ figure: `${what}: from the address to its lines, ${time}`, value: round(opened, 0), unit: "ms" });
      }
      await vault.page.run(observe);
      await types(vault.page);
      rows.push(told(`${what}, typing at its beginning`, await vault.page.run(takes)));
      await scrolls(vault.page);
      rows.push(told(`${what}, scrolling`, await vault.page.run(takes)));
    }
    return rows;
  } finally {
    await vault.end();
  }
}
