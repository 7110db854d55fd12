// Names, tags and words that are markup: wherever they are shown they are text, and nothing of them runs.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { makeZip } from "./support/archives.js";
import { line, uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const HOSTILE = '<img src=x onerror="top.ran = self.ran = true">';
const FOLDER = `In ${HOSTILE}`;
const NOTE = `${HOSTILE} & "it's" {{title}}.md`;
const ARCHIVE = `${HOSTILE}.zip`;
/** A quotation mark is no part of a tag. */
const TAG = "<img src=x onerror=top.ran=true>";

/** Waits until something that is shown has this text, and sees to it that nothing came of it. */
async function isText(tab, place, text) {
  await place.getByText(text).or(place.filter({ hasText: text })).first().waitFor();
  await ranNowhere(tab);
}

async function ranNowhere(tab) {
  assert.equal(await tab.page.locator("img[src='x']").count(), 0, "no name became an element");
  for (const frame of tab.page.frames()) assert.equal(await frame.evaluate(() => globalThis.ran), undefined);
}

test("a name, a tag or a text that is markup is text wherever it is shown", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const { page } = laptop;
  await laptop.createsFolder(FOLDER);
  await laptop.createsFolder("Elsewhere");
  await ranNowhere(laptop);

  await laptop.entersFolder(FOLDER);
  const disk = await w.disk({ [ARCHIVE]: makeZip([[HOSTILE, "inside"]]) });
  await uploads(laptop, [path.join(disk, ARCHIVE)]);
  await isText(laptop, line(laptop, ARCHIVE), ARCHIVE);
  await laptop.createsText(NOTE, `# ${HOSTILE}\n\nnarwhals ${HOSTILE} sleep`);
  await laptop.sees(ARCHIVE, NOTE);
  await ranNowhere(laptop);

  // Opened: the text, and what is in the archive.
  await laptop.edits(NOTE);
  await laptop.preview.getByRole("heading").getByText(HOSTILE).waitFor();
  await ranNowhere(laptop);
  await laptop.leavesEditor();
  await laptop.enters(ARCHIVE);
  const frame = laptop.preview.locator("iframe").last().contentFrame();
  await frame.getByRole("button", { name: HOSTILE, exact: true }).waitFor();
  await ranNowhere(laptop);
  await laptop.goesTo(FOLDER);
  await laptop.grid.waitFor();

  // Dialogs: of a name, of a place, of what a file is.
  await laptop.selects(NOTE);
  await page.keyboard.press("F2");
  assert.equal(await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).inputValue(), NOTE);
  await page.keyboard.press("Escape");
  await laptop.presses("Move to…");
  const places = page.getByRole("dialog", { name: /move/i });
  await isText(laptop, places.getByRole("treeitem"), FOLDER);
  await page.keyboard.press("Escape");
  await places.waitFor({ state: "hidden" });
  await laptop.selects(NOTE);
  await page.keyboard.press("Alt+Enter");
  const details = page.getByRole("dialog", { name: "Details" });
  await isText(laptop, details, NOTE);
  await isText(laptop, details.getByRole("navigation", { name: "Where" }), FOLDER);
  const tag = details.getByRole("combobox", { name: "Add a tag" });
  await tag.fill(TAG);
  await tag.press("Enter");
  await isText(laptop, details.getByRole("link"), TAG);
  await page.keyboard.press("Escape");
  await details.waitFor({ state: "hidden" });
  await isText(laptop, laptop.row(NOTE).getByRole("link"), TAG);
  await laptop.row(NOTE).getByRole("link", { name: TAG }).click();
  await isText(laptop, page.getByRole("heading"), `Tagged ${TAG}`);
  await isText(laptop, page.getByRole("list").getByRole("link"), NOTE);
  await page.goBack();
  await laptop.sees(NOTE);

  // What is found by its name, and by its words.
  const box = page.getByRole("searchbox", { name: "Search" });
  const results = page.getByRole("region", { name: "Search results" });
  await box.fill("onerror");
  for (const name of [FOLDER, NOTE, ARCHIVE]) await isText(laptop, results.getByRole("link"), name);
  await box.fill("narwhals");
  const found = results.getByRole("link", { name: NOTE });
  await found.locator("mark").getByText("narwhals").waitFor();
  await isText(laptop, found, `narwhals ${HOSTILE} sleep`);
  await results.getByRole("combobox", { name: "Tag" }).selectOption(TAG);
  await isText(laptop, found, `narwhals ${HOSTILE} sleep`);
  await box.fill("");
  await results.waitFor({ state: "hidden" });

  // Deleted, and in the trash.
  await laptop.deletes(ARCHIVE);
  await ranNowhere(laptop);
  await laptop.opensTrash();
  await laptop.sees(ARCHIVE);
  await ranNowhere(laptop);
  await laptop.reloads();
  await laptop.sees(ARCHIVE);
  await laptop.restores(ARCHIVE);
  await ranNowhere(laptop);

  // Another device learns the names from the log.
  await laptop.isOnServer();
  const other = await w.nextDevice("other laptop");
  await other.sees(FOLDER);
  await other.entersFolder(FOLDER);
  await other.sees(ARCHIVE, NOTE);
  await isText(other, other.row(NOTE).getByRole("link"), TAG);
});
