// The preview of a PDF: drawn on sight, read, searched, walked through, unlocked.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { linkAt, makePdf } from "./support/pdf.js";
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

test("a PDF that is pointed at in the list opens in a frame that was made for it before", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "tides.pdf": makePdf(["High water at noon"], { title: "Tides" }), "tides.txt": "High water at noon" });
  await uploads(laptop, ["tides.pdf", "tides.txt"].map((name) => path.join(disk, name)));
  await laptop.sees("tides.pdf", "tides.txt");
  const reserve = laptop.page.locator("#spare-previews iframe");
  await laptop.row("tides.pdf").hover();
  await reserve.waitFor({ state: "attached" });
  await reserve.evaluate((frame) => void (frame.wasInReserve = true));
  await laptop.enters("tides.pdf");
  const frame = laptop.preview.locator("iframe");
  await frame.contentFrame().getByText("High water at noon").waitFor();
  assert.equal(await frame.evaluate(({ wasInReserve }) => wasInReserve), true);
});

/** Opens a file of many pages, on a device that has it. */
async function opens(device, name, pages) {
  await device.enters(name);
  const frame = device.preview.locator("iframe").contentFrame();
  const leaf = (number) => frame.getByRole("group", { name: `Page ${number} of ${pages}`, exact: true });
  await leaf(1).locator("canvas").first().waitFor();
  return { frame, leaf };
}

test("small pictures of a PDF's pages stand beside them, and lead there", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const pages = Array.from({ length: 300 }, (_, index) => `This is leaf ${index + 1}`);
  const disk = await w.disk({ "book.pdf": makePdf(pages, { title: "Leaves" }) });
  await uploads(laptop, [path.join(disk, "book.pdf")]);
  await laptop.isOnServer();
  const { frame, leaf } = await opens(laptop, "book.pdf", 300);
  const strip = frame.getByRole("navigation", { name: "Thumbnails" });
  const small = (number) => strip.getByRole("button", { name: `Page ${number} of 300`, exact: true });
  assert.equal(await frame.locator("nav canvas").count(), 0, "nobody has asked for any");

  await frame.getByRole("button", { name: "Thumbnails" }).click();
  await small(2).locator("canvas").waitFor();
  assert.equal(await small(1).getAttribute("aria-current"), "true");
  assert.ok((await strip.getByRole("button").count()) < 20, "only those in sight exist");
  const red = await small(2).locator("canvas").evaluate((canvas) => [...canvas.getContext("2d").getImageData(3, canvas.height - 3, 1, 1).data]);
  assert.deepEqual(red, [255, 0, 0, 255]);
  await small(3).click();
  await leaf(3).getByText("This is leaf 3", { exact: true }).waitFor();
  await laptop.photographs("small pages beside a PDF");

  await small(3).press("End");
  await leaf(300).getByText("This is leaf 300").waitFor();
  await small(300).and(frame.locator(":focus")).locator("canvas").waitFor();
  await small(300).press("ArrowUp");
  await small(299).and(frame.locator("[aria-current=true]:focus")).waitFor();
  await small(299).press("Home");
  await small(1).and(frame.locator("[aria-current=true]:focus")).waitFor();
  // Pages that are gone to otherwise are marked too.
  await frame.getByLabel("Page", { exact: true }).fill("150");
  await frame.getByLabel("Page", { exact: true }).press("Enter");
  await small(150).and(frame.locator("[aria-current=true]")).locator("canvas").waitFor();
  // There is room for one thing beside the pages.
  await frame.getByRole("button", { name: "Contents" }).click();
  await strip.waitFor({ state: "hidden" });

  const phone = await w.nextDevice("phone", "alice", { width: 360, height: 740, dark: true, touch: true });
  const there = await opens(phone, "book.pdf", 300);
  await there.frame.getByRole("button", { name: "Thumbnails" }).tap();
  const panel = there.frame.getByRole("navigation", { name: "Thumbnails" });
  await panel.getByRole("button", { name: "Page 3 of 300" }).locator("canvas").waitFor();
  await phone.photographs("small pages on a phone");
  await panel.getByRole("button", { name: "Page 3 of 300" }).tap();
  await panel.waitFor({ state: "hidden" });
  await there.leaf(3).getByText("This is leaf 3", { exact: true }).waitFor();
});

test("links of a PDF lead to its pages, others are shown before they are opened, and hostile ones are none", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const pages = Array.from({ length: 40 }, (_, index) => `This is leaf ${index + 1}`);
  const web = (address) => `/A << /S /URI /URI (${address}) >>`;
  const links = [
    linkAt(20, 150, "/Dest [29 /XYZ 0 200 0]"),
    linkAt(20, 120, web("https://example.org/a b")),
    linkAt(20, 90, web("javascript:top.ran=1")),
    linkAt(20, 60, "/A << /S /JavaScript /JS (app.alert) >>"),
    linkAt(20, 30, "/A << /S /Launch /F (calc.exe) >>"),
    linkAt(120, 30, "/A << /S /GoToR /F (other.pdf) /D [0 /Fit] >>"),
    "<< /Subtype /Link /Rect [-9999 -9999 9999 9999] /A << /S /URI /URI (https://example.org/all) >> >>",
    linkAt(120, 120, web("https://bank.example@evil.example/")),
  ];
  const disk = await w.disk({ "paper.pdf": makePdf(pages, { title: "Leads", links: { 1: links, 2: [linkAt(20, 150, "/Dest [0 /Fit]")] } }) });
  await uploads(laptop, [path.join(disk, "paper.pdf")]);
  await laptop.isReadyForPreviewsOffline();
  await laptop.isOnServer();
  await laptop.entersAirplaneMode();
  const popups = [];
  laptop.context.on("page", (page) => popups.push(page.url()));
  const { frame, leaf } = await opens(laptop, "paper.pdf", 40);

  await leaf(1).getByRole("link", { name: "Page 30", exact: true }).waitFor();
  await leaf(2).getByRole("link", { name: "Page 1", exact: true }).waitFor();
  assert.deepEqual(await leaf(1).getByRole("link").evaluateAll((links) => links.map(({ title }) => title)), [
    "Page 30",
    "https://example.org/a b",
    "https://bank.example@evil.example/",
  ]);
  await leaf(1).getByRole("link", { name: "Page 30" }).click();
  await leaf(30).getByText("This is leaf 30").waitFor();
  await frame.getByRole("document", { name: "Pages" }).press("Home");

  // What is shown in the page is all of the address, and nothing is opened before it is clicked there.
  const shown = laptop.preview.getByRole("group", { name: "This link leads to" });
  await leaf(1).getByRole("link", { name: "https://bank.example@evil.example/" }).click();
  await leaf(1).getByRole("link", { name: "https://example.org/a b" }).press("Enter");
  const link = shown.getByRole("link", { name: "https://example.org/a%20b" });
  await link.waitFor();
  await shown.and(laptop.page.locator(":focus")).waitFor();
  assert.equal(await link.getAttribute("target"), "_blank");
  assert.match(await link.getAttribute("rel"), /noopener/);
  await laptop.photographs("a link of a PDF");
  await laptop.page.keyboard.press("Escape");
  await shown.waitFor({ state: "detached" });
  assert.deepEqual(popups, []);
  assert.equal(await laptop.page.evaluate(() => globalThis.ran), undefined);
  await laptop.leavesAirplaneMode();
});

test("a PDF says what it is, in its preview and in its details, offline", async (t) => {
  const w = await world(t);
  const phone = await w.firstDevice("phone", "alice", { width: 360, height: 740, dark: true, touch: true });
  const disk = await w.disk({ "book.pdf": makePdf(["One", "Two"], { title: HOSTILE }), "locked.pdf": await readFile(LOCKED) });
  await uploads(phone, ["book.pdf", "locked.pdf"].map((name) => path.join(disk, name)));
  await phone.isReadyForPreviewsOffline();
  await phone.isOnServer();
  await phone.entersAirplaneMode();
  const { frame } = await opens(phone, "book.pdf", 2);
  await frame.getByText("About", { exact: true }).tap();
  await frame.locator('dt:text-is("Page size") + dd').filter({ hasText: "106 × 71 mm" }).waitFor();
  await phone.photographs("what a PDF says");
  await phone.goesTo("My files");

  const details = async (name) => {
    await phone.selects(name);
    await phone.page.keyboard.press("Alt+Enter");
    const dialog = phone.page.getByRole("dialog", { name: "Details" });
    await dialog.getByRole("heading", { name: "Document" }).waitFor();
    return dialog;
  };
  const dialog = await details("book.pdf");
  const fact = (name) => dialog.locator(`dt:text-is("${name}") + dd`);
  await fact("Title").filter({ hasText: HOSTILE }).waitFor();
  assert.equal(await fact("Pages").textContent(), "2");
  await phone.photographs("details of a PDF");
  await phone.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await (await details("locked.pdf")).getByText("protected by a password").waitFor();
  assert.equal(await phone.page.evaluate(() => document.querySelectorAll("body > [hidden]:not(#spare-previews) iframe").length), 0, "what read it is gone");
  assert.equal(await phone.page.evaluate(() => globalThis.ran), undefined);
  await phone.leavesAirplaneMode();
});

test("a PDF is drawn larger and smaller, and what is selected in it is copied", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "book.pdf": makePdf(["This is leaf 1", "This is leaf 2"], { title: "Leaves" }) });
  await uploads(laptop, [path.join(disk, "book.pdf")]);
  await laptop.sees("book.pdf");
  const { frame, leaf } = await opens(laptop, "book.pdf", 2);
  const width = async () => (await leaf(1).boundingBox()).width;
  const presses = (name) => frame.getByRole("button", { name, exact: true }).click();
  const fits = await width();
  await presses("Zoom out");
  assert.ok((await width()) < fits);
  await presses("Fit to width");
  assert.equal(await width(), fits);
  for (const _ of ["once", "twice"]) await presses("Zoom in");
  const large = await width();
  assert.ok(large > fits * 1.2, `${large} px after ${fits}`);
  // It is drawn anew for its size, not stretched.
  const content = await laptop.preview.locator("iframe").elementHandle().then((element) => element.contentFrame());
  await content.waitForFunction(() => {
    const canvas = document.querySelector("[role=group] canvas");
    return Math.abs(canvas.width / canvas.getBoundingClientRect().width - devicePixelRatio) < 0.05;
  });

  const text = leaf(1).getByText("This is leaf 1", { exact: true });
  await text.click({ clickCount: 3 });
  await laptop.page.keyboard.press("Control+c");
  assert.match(await laptop.pastes(), /This is leaf 1/);
});
