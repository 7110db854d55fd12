// Real files in the real sandbox: each is opened as a person opens it, read to its end, and left.
// Offline, so that whatever asks for anything shows. `cargo xtask corpus --browser N` runs it,
// `OFFING_CORPUS` names a list of files, one in a line; what became of each is told in JSON lines
// in `OFFING_CORPUS_REPORT`.

import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const { OFFING_CORPUS, OFFING_CORPUS_REPORT } = process.env;
/** Files of one folder: a list draws the rows that are in sight alone. */
const FOLDER_FILES = 15;
/** What a parser may take, and what the page may take around it. */
const OPEN_MS_MAX = 10_000 + 5_000;

/** Runs in every page: a script of a file that runs anywhere is told by one of these. */
function notes() {
  globalThis.noted = [];
  for (const name of ["alert", "confirm", "prompt", "open", "print"]) {
    globalThis[name] = () => void globalThis.noted.push(name);
  }
}

/** Files under names that tell them apart, in folders of a few. */
async function copies(w, list) {
  const disk = await w.disk({});
  const folders = [];
  for (const [at, from] of list.entries()) {
    const name = `${String(at).padStart(4, "0")} ${path.basename(from).replaceAll(/[^\w.-]/g, "_").slice(-60)}`;
    const to = path.join(disk, name);
    await copyFile(from, to);
    if (at % FOLDER_FILES === 0) folders.push({ name: `From ${at}`, files: [] });
    folders.at(-1).files.push({ name, from, to });
  }
  return folders;
}

/** Opens a file of the list; says how it is shown, or why it is not. */
async function opens(tab, name) {
  const start = Date.now();
  await tab.enters(name);
  // What is rendered beside a Markdown text is called a preview too.
  await tab.page.locator(".viewer").or(tab.editor).first().waitFor();
  if (await tab.editor.isVisible()) return { shown: "editor", ms: Date.now() - start };
  const { preview } = tab;
  const alert = preview.getByRole("alert");
  const frame = preview.locator("iframe");
  const drawn = preview.locator(".viewer-body:not([aria-busy])").locator("iframe, [role=alert], [role=status], img, video, audio");
  const password = frame.last().contentFrame().locator("input[type=password]");
  const within = { timeout: OPEN_MS_MAX };
  await Promise.any([drawn.first().waitFor(within), password.waitFor(within)]);
  const ms = Date.now() - start;
  if (await password.count()) return { shown: "password", ms };
  if (await alert.count()) return { refused: await alert.first().innerText(), ms };
  if (!(await frame.count())) return { shown: "page", ms };
  const inside = frame.last().contentFrame();
  await inside.locator("body").press("End");
  await inside.locator("body").press("Control+End");
  // What it still draws at its end may fail, which an alert tells.
  const seen = await frame.last().elementHandle().then((one) => one.contentFrame()).then((one) => one.evaluate(() => ({
    origin,
    noted: globalThis.noted,
    scripts: document.scripts.length,
    letters: document.body.innerText.length,
  }))).catch((error) => ({ gone: String(error) }));
  if (await alert.count()) return { refused: await alert.first().innerText(), ms };
  return { shown: "frame", ms, ...seen };
}

test("real files open or are refused in words, and nothing of them runs or asks", { timeout: Infinity }, async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.context.addInitScript(notes);
  await laptop.opens("/");
  await laptop.isReadyForPreviewsOffline();
  const list = (await readFile(OFFING_CORPUS, "utf8")).split("\n").filter(Boolean);
  const told = [];
  const asked = [];
  const popups = [];
  laptop.context.on("page", (page) => popups.push(page.url()));
  for (const { name: folder, files } of await copies(w, list)) {
    await laptop.opens("/");
    await laptop.createsFolder(folder);
    await laptop.entersFolder(folder);
    await uploads(laptop, files.map(({ to }) => to));
    await laptop.sees(...files.map(({ name }) => name));
    await laptop.isOnServer();
    await laptop.entersAirplaneMode();
    const note = (request) => asked.push(request.url());
    laptop.context.on("request", note);
    for (const { name, from } of files) {
      const became = await opens(laptop, name).catch((error) => ({ stuck: error.message }));
      told.push({ file: from, ...became });
      await laptop.goesTo(folder);
      await laptop.grid.waitFor();
    }
    laptop.context.off("request", note);
    await laptop.leavesAirplaneMode();
    await writeFile(OFFING_CORPUS_REPORT, told.map((one) => JSON.stringify(one)).join("\n"));
  }
  const count = (what) => told.filter(what).length;
  t.diagnostic(`${told.length} files: ${count(({ shown }) => shown)} shown, ${count(({ refused }) => refused)} refused; the slowest took ${Math.max(...told.map(({ ms }) => ms ?? 0))} ms`);
  assert.deepEqual(told.filter(({ stuck, gone }) => stuck || gone), [], "every file is shown or refused in words");
  const framed = told.filter(({ shown }) => shown === "frame");
  const runs = ({ origin, noted, scripts }) => origin !== "null" || noted.length || scripts !== 1;
  assert.deepEqual(framed.filter(runs), [], "nothing runs in a frame but its own script");
  assert.deepEqual(await laptop.page.evaluate(() => globalThis.noted), [], "nothing runs in the page");
  assert.deepEqual(popups, [], "nothing opens");
  const outside = asked.filter((url) => !/^(blob|data):/.test(url) && new URL(url).origin !== laptop.origin);
  assert.deepEqual(outside, [], "nothing asks for anything outside");
});
