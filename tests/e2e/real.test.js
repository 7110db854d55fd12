// Files that nobody of the project made, in the real app and without a network: of each, what its
// makers put into it. `tests/real/files.js` lists them, with what is to be seen.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { bytesOf, FILES } from "../real/files.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

/** A browser's decoders may round the colours of a picture that lost some. */
const COLOUR_STEPS_MAX = 6;

const frameOf = (tab) => tab.preview.locator("iframe").last().contentFrame();

/** What a person does and sees, by what a file is to show. */
const SHOWS = {
  async pdf(tab, { pages, contents, says, finds }) {
    const frame = frameOf(tab);
    const leaf = (number) => frame.getByRole("group", { name: `Page ${number} of ${pages}`, exact: true });
    const canvas = leaf(1).locator("canvas").first();
    await canvas.waitFor();
    const inked = await canvas.evaluate((canvas) => {
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels.some((value, place) => place % 4 === 0 && value < 100);
    });
    assert.ok(inked, "letters are drawn on the first page");
    if (contents) {
      await frame.getByRole("button", { name: contents, exact: true }).click();
      await frame.getByRole("group").getByText(says).first().waitFor();
    }
    if (finds) {
      await frame.getByRole("document", { name: "Pages" }).press("Control+f");
      await frame.getByRole("searchbox").fill(finds);
      await frame.getByText("1 / 1", { exact: true }).waitFor();
      await frame.locator(".pdf-mark").first().waitFor();
    }
    await frame.getByLabel("Page", { exact: true }).fill(String(pages));
    await frame.getByLabel("Page", { exact: true }).press("Enter");
    await leaf(pages).locator("canvas").first().waitFor();
  },

  async blocks(tab, { heading, contents, says = [], cells = [], notes = {}, pictures }) {
    const frame = frameOf(tab);
    const document = frame.getByRole("document");
    if (heading) await document.getByRole("heading", { name: heading }).first().waitFor();
    if (contents) await frame.getByRole("button", { name: contents, exact: true }).click();
    for (const text of says) await document.getByText(text).first().waitFor();
    for (const cell of cells) await document.getByRole("cell", { name: cell, exact: true }).waitFor();
    for (const [number, text] of Object.entries(notes)) {
      await document.getByRole("button", { name: number, exact: true }).first().click();
      await frame.getByRole("status").getByText(text).waitFor();
    }
    if (pictures) {
      const images = document.locator("img[src^='blob:']");
      for (const place of pictures.keys()) await images.nth(place).scrollIntoViewIfNeeded();
      const widths = () => images.evaluateAll((images) => Promise.all(images.map((image) => image.decode().then(() => image.naturalWidth))));
      assert.deepEqual(await widths(), pictures);
    }
  },

  async sheet(tab, { tabs, cells, bold = [] }) {
    const frame = frameOf(tab);
    const cell = (name) => frame.getByRole("gridcell", { name, exact: true });
    for (const text of cells) await cell(text).first().waitFor();
    assert.deepEqual(await frame.getByRole("tab").allTextContents(), tabs);
    for (const text of bold) assert.equal(await cell(text).evaluate((element) => getComputedStyle(element).fontWeight), "600");
  },

  async table(tab, { columns, cells, last }) {
    const grid = frameOf(tab).getByRole("grid");
    for (const name of columns) await grid.getByRole("columnheader", { name, exact: true }).waitFor();
    for (const text of cells) await grid.getByText(text, { exact: true }).waitFor();
    await grid.focus();
    await tab.page.keyboard.press("Control+End");
    await grid.getByText(last, { exact: true }).waitFor();
  },

  async drawing(tab, shows) {
    await isDrawn(frameOf(tab).getByRole("img"), shows);
  },

  async picture(tab, { size, at, colour }) {
    await tab.page.waitForFunction(() => document.querySelector(".viewer-picture img")?.naturalWidth > 0);
    await isDrawn(tab.preview.locator(".viewer-picture img"), { size, at, colour });
  },

  async sound(tab, { seconds }) {
    await plays(tab, "audio", seconds);
  },

  async film(tab, { seconds, size }) {
    await plays(tab, "video", seconds);
    const video = tab.preview.locator("video");
    assert.deepEqual(await video.evaluate((video) => [video.videoWidth, video.videoHeight]), size);
    const told = tab.preview.getByRole("status").filter({ hasText: "shows no picture" });
    assert.equal(await told.count(), size[0] ? 0 : 1, "a film without a picture is told");
    if (size[0]) return;
    const name = await video.getAttribute("aria-label");
    const [download] = await Promise.all([tab.page.waitForEvent("download"), tab.preview.getByRole("button", { name: "Download" }).click()]);
    assert.equal(download.suggestedFilename(), name);
  },

  async archive(tab, { members, way, says }) {
    const frame = frameOf(tab);
    await frame.getByText(`${members} item`).first().waitFor();
    for (const step of way) await frame.getByRole("button", { name: step, exact: true }).press("Enter");
    await tab.preview.getByRole("button", { name: "Back to the archive" }).waitFor();
    await frameOf(tab).getByText(says).first().waitFor();
  },

  async text(tab, { says, heading, cell, coloured = [] }) {
    await tab.reads(...says);
    if (heading) await tab.preview.getByRole("heading", { name: heading, exact: true }).waitFor();
    if (cell) await tab.preview.getByRole("cell", { name: cell, exact: true }).first().waitFor();
    for (const word of coloured) await isColoured(tab, word);
  },

  async hex(tab, row) {
    await frameOf(tab).getByText(row).first().waitFor();
  },

  async refusal(tab, words) {
    await tab.preview.getByRole("alert").filter({ hasText: words }).waitFor();
  },
};

/** A picture has its size, and its colour at a place. */
async function isDrawn(image, { size, at, colour }) {
  assert.deepEqual(await image.evaluate((image) => [image.naturalWidth, image.naturalHeight]), size);
  const drawn = await image.evaluate(async (image, at) => {
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const { data } = at ? pen.getImageData(...at, 1, 1) : pen.getImageData(0, 0, canvas.width, canvas.height);
    return at ? [...data] : data.some(Boolean);
  }, at);
  const isNear = (value, place) => Math.abs(value - colour[place]) <= COLOUR_STEPS_MAX;
  assert.ok(at ? drawn.every(isNear) : drawn, `drawn as ${drawn}`);
}

/** It is as long as it was made, and goes on from its middle. */
async function plays(tab, kind, seconds) {
  await tab.page.waitForFunction((kind) => document.querySelector(kind)?.readyState > 0, kind);
  const player = tab.preview.locator(kind);
  const length = await player.evaluate((element) => element.duration);
  assert.ok(Math.abs(length - seconds) < 0.05, `${length} seconds`);
  const middle = seconds / 2;
  await player.evaluate((element, at) => {
    element.muted = true;
    element.currentTime = at;
    return element.play();
  }, middle);
  await tab.page.waitForFunction(([kind, at]) => document.querySelector(kind).currentTime > at + 0.1, [kind, middle]);
}

/** A word of the editor has a colour of its own, other than plain text has. */
async function isColoured(tab, word) {
  const editor = await tab.editor.elementHandle();
  await tab.page.waitForFunction(([editor, word]) => {
    const found = [...editor.querySelectorAll("span")].find((span) => span.textContent === word);
    return found && getComputedStyle(found).color !== getComputedStyle(editor).color;
  }, [editor, word]);
}

test("files that others made are shown as they made them, without a network", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop", "alice", { height: 1_000 });
  const folders = [...new Set(FILES.map(({ folder }) => folder))];
  const filesOf = (folder) => FILES.filter((file) => file.folder === folder);
  for (const folder of folders) {
    const files = filesOf(folder);
    const made = await Promise.all(files.map(async (file) => [file.name, await bytesOf(file)]));
    const disk = await w.disk(Object.fromEntries(made));
    await laptop.createsFolder(folder);
    await laptop.entersFolder(folder);
    await uploads(laptop, files.map(({ name }) => path.join(disk, name)));
    await laptop.sees(...files.map(({ name }) => name));
    // Grammars beyond the usual ones come when a text first asks for one, and stay.
    for (const { name, shows } of files.filter(({ shows }) => shows.text?.fetched)) {
      await laptop.edits(name);
      await SHOWS.text(laptop, shows.text);
      await laptop.leavesEditor();
    }
    await laptop.goesTo("My files");
  }
  await laptop.isReadyForPreviewsOffline();
  await laptop.isOnServer();
  await laptop.entersAirplaneMode();
  const asked = [];
  laptop.page.on("request", (request) => asked.push(request.url()));

  for (const folder of folders) {
    await laptop.entersFolder(folder);
    for (const { name, shows } of filesOf(folder)) {
      await t.test(name, async () => {
        await laptop.enters(name);
        const [[kind, expected]] = Object.entries(shows);
        await SHOWS[kind](laptop, expected);
      });
      await laptop.goesTo(folder);
      await laptop.grid.waitFor();
    }
    await laptop.goesTo("My files");
  }
  const outside = asked.filter((url) => !/^(blob|data):/.test(url) && new URL(url).origin !== laptop.origin);
  assert.deepEqual(outside, [], "nothing of them asks for anything");
  await laptop.leavesAirplaneMode();
});
