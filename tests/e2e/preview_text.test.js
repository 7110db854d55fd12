// Long texts: shown by the rows that are in sight, with numbers, and looked through.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { makeZip } from "./support/archives.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const LINES = 600_000;
const WATCH = "the watch changes, and nothing is in sight but the light of the north mole, as it was the night before";

test("a text of sixty megabytes is shown at once, looked through, and chosen and copied as it stands", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const lines = Array.from({ length: LINES }, (_, hour) => `${hour} ${WATCH}`);
  lines[LINES - 3] = `A ship! ${"It comes nearer, under all its sails. ".repeat(12)}`;
  const disk = await w.disk({ "watch.log": lines.join("\n") });
  await uploads(laptop, [path.join(disk, "watch.log")]);
  await laptop.sees("watch.log");
  await laptop.enters("watch.log");
  const frame = laptop.preview.locator("iframe").contentFrame();
  const list = frame.getByRole("list", { name: "watch.log" });
  await list.getByText(`0 ${WATCH}`, { exact: true }).waitFor();
  await frame.getByText("600,000 lines", { exact: true }).waitFor();
  assert.ok((await list.getByRole("listitem").count()) < 100, "few of its rows are elements");
  await laptop.photographs("a long text");

  await list.focus();
  await laptop.page.keyboard.press("Control+f");
  await frame.getByRole("searchbox", { name: "Find" }).fill("a SHIP!");
  await frame.getByText("1 / 1", { exact: true }).waitFor();
  const found = list.getByText("A ship!", { exact: true });
  await found.waitFor();
  const row = list.getByRole("listitem").filter({ hasText: "A ship!" });
  assert.equal(await row.locator("[aria-hidden]").textContent(), String(LINES - 2));
  await laptop.photographs("a word in a long text");
  await laptop.page.keyboard.press("Escape");

  // A line that takes several rows is one when it is copied.
  const range = await list.evaluate((element) => {
    const rows = [...element.querySelectorAll("[data-at]")];
    const first = rows.find((one) => one.textContent.startsWith("A ship!"));
    const last = rows.find((one) => Number(one.dataset.at) > Number(first.dataset.at) && /^\d/.test(one.textContent));
    getSelection().setBaseAndExtent(first.firstChild, 0, last.firstChild, 3);
    return [first.dataset.at, last.dataset.at];
  });
  assert.notEqual(range[0], range[1]);
  await laptop.page.keyboard.press("Control+c");
  assert.equal(await laptop.pastes(), `${lines[LINES - 3]}\n${lines[LINES - 2].slice(0, 3)}`);

  await laptop.page.setViewportSize({ width: 360, height: 740 });
  await list.getByText(/^5999\d\d /).first().waitFor();
  assert.ok(await list.evaluate((element) => element.scrollWidth <= element.clientWidth), "nothing runs over the edge");
});

test("a text in an archive, one of an old encoding, and one line without an end", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({
    "papers.zip": makeZip([
      ["short.txt", "one\r\n\r\nthree"],
      ["old.txt", Buffer.from("caf\xe9", "latin1")],
      ["long.json", `[1234567890, ${Array.from({ length: 150_000 }, (_, hour) => hour * 7919).join(", ")}, "the end"]`],
    ]),
  });
  await uploads(laptop, [path.join(disk, "papers.zip")]);
  await laptop.sees("papers.zip");
  await laptop.enters("papers.zip");
  const frame = laptop.preview.locator("iframe").last().contentFrame();
  const opens = (name) => frame.getByRole("button", { name, exact: true }).press("Enter");
  const back = () => laptop.preview.getByRole("button", { name: "Back to the archive" }).click();
  await opens("short.txt");
  const rows = frame.getByRole("list", { name: "short.txt" }).getByRole("listitem");
  await rows.nth(2).waitFor();
  assert.deepEqual(await rows.allTextContents(), ["1one", "2", "3three"]);
  await back();
  await opens("old.txt");
  await frame.getByText("café", { exact: true }).waitFor();
  await back();
  await opens("long.json");
  const long = frame.getByRole("list", { name: "long.json" });
  await long.getByText("[1234567890", { exact: false }).first().waitFor();
  await frame.getByText("1 line", { exact: true }).waitFor();
  await long.evaluate((element) => (element.scrollTop = element.scrollHeight));
  await long.getByText('"the end"]', { exact: false }).waitFor();
});
