// The preview of a PDF: drawn on sight, read, searched, unlocked.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { makePdf } from "./support/pdf.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const HOSTILE = '<img src=x onerror="top.ran = self.ran = true">';
const LOCKED = new URL("../../preview/src/pdf/tests/locked.pdf", import.meta.url);

test("a PDF is read by pages, by words and by its contents, and one that is locked is opened", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const pages = Array.from({ length: 1200 }, (_, index) => `This is leaf ${index + 1}`);
  pages[700] = "Here is the needle";
  const disk = await w.disk({ "book.pdf": makePdf(pages, { title: HOSTILE }), "locked.pdf": await readFile(LOCKED) });
  await uploads(laptop, ["book.pdf", "locked.pdf"].map((name) => path.join(disk, name)));
  await laptop.sees("book.pdf", "locked.pdf");
  const frame = laptop.preview.locator("iframe").contentFrame();
  const leaf = (number) => frame.getByRole("group", { name: `Page ${number} of 1200`, exact: true });

  await laptop.enters("book.pdf");
  await leaf(1).getByText("This is leaf 1", { exact: true }).waitFor();
  const red = await leaf(1)
    .locator("canvas")
    .first()
    .evaluate((canvas) => [...canvas.getContext("2d").getImageData(9, canvas.height - 9, 1, 1).data]);
  assert.deepEqual(red, [255, 0, 0, 255]);
  assert.ok((await frame.getByRole("group").count()) < 20, "only pages in sight exist");

  await frame.getByLabel("Page", { exact: true }).fill("600");
  await frame.getByLabel("Page", { exact: true }).press("Enter");
  await leaf(600).getByText("This is leaf 600").waitFor();
  await laptop.page.keyboard.press("Control+f");
  await frame.getByRole("searchbox").fill("the NEEDLE");
  await frame.getByText("1 / 1", { exact: true }).waitFor();
  await leaf(701).locator(".pdf-mark").waitFor();
  await laptop.page.keyboard.press("Escape");

  // The name in the contents is a text, whatever it says.
  await frame.getByRole("button", { name: HOSTILE }).click();
  await leaf(1200).getByText("This is leaf 1200").waitFor();
  assert.equal(await laptop.page.evaluate(() => globalThis.ran), undefined);
  await laptop.goesTo("My files");

  await laptop.enters("locked.pdf");
  await frame.getByLabel("Password").fill("open");
  await frame.getByRole("button", { name: "Open", exact: true }).click();
  await frame.getByRole("alert").waitFor();
  await frame.getByLabel("Password").fill("open sesame");
  await frame.getByRole("button", { name: "Open", exact: true }).click();
  await frame.getByText("secret", { exact: true }).waitFor();
});
