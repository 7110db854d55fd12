// Search: names at once, and what is in the files, without the network.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { makeDocx, makeEpub, makeXlsx, paragraph, run } from "./support/office.js";
import { makePdf } from "./support/pdf.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const LOCKED = new URL("../../preview/src/pdf/tests/locked.pdf", import.meta.url);

test("a word inside a text is found offline after a reload, a name at once, and nothing that was deleted", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Trips");
  await laptop.entersFolder("Trips");
  await laptop.createsText("Invoice Lisbon 2026.txt");
  await laptop.createsText("log.md", "# Log\n\nWe left the harbour at noon, 潮汐 had turned. Café Straße, ﾎﾃﾙ.");
  await laptop.goesTo("My files");
  await laptop.isReadyForOffline();
  await laptop.entersAirplaneMode();
  await laptop.reloads();
  await laptop.sees("Trips");

  const box = laptop.page.getByRole("searchbox", { name: "Search" });
  const results = laptop.page.getByRole("region", { name: "Search results" });
  await box.fill("lisbon");
  await results.getByRole("link", { name: "Invoice Lisbon 2026.txt" }).waitFor();

  const log = results.getByRole("link", { name: "log.md" });
  await box.fill("潮汐");
  await log.getByText("潮汐", { exact: true }).waitFor();
  // As the browser's own tables of Unicode have it.
  for (const [query, word] of [["cafe", "Café"], ["STRASSE", "Straße"], ["ホテル", "ﾎﾃﾙ"]]) {
    await box.fill(query);
    await log.locator("mark").getByText(word, { exact: true }).waitFor();
  }
  // A slip, and a beginning.
  await box.fill("harbuor tur");
  await log.getByText("harbour", { exact: true }).waitFor();
  assert.match(await log.textContent(), /Trips.*We left the harbour at noon, 潮汐 had turned/);
  assert.deepEqual(await log.locator("mark").allTextContents(), ["harbour", "turned"]);
  await laptop.page.getByRole("status").filter({ hasText: "0 by name, 1 by content" }).waitFor();
  await laptop.photographs("search finds what is in a text");
  await results.getByRole("combobox", { name: "Changed" }).selectOption("Past week");
  await log.waitFor();

  await box.focus();
  await box.press("ArrowDown");
  await laptop.page.keyboard.press("Enter");
  await laptop.reads("We left the harbour");
  await results.waitFor({ state: "hidden" });
  await laptop.leavesEditor();
  await laptop.deletes("log.md");
  await box.fill("harbour");
  await results.getByText("No content has all these words").waitFor();
  assert.equal(await log.count(), 0);
  await laptop.leavesAirplaneMode();
});

test("a name that is typed with a slip is found offline, below those that have what was typed", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Invoices");
  await laptop.createsText("invioce.txt");
  await laptop.createsText("my invioce.txt");
  await laptop.createsText("letter.md");
  await laptop.entersFolder("Invoices");
  await laptop.createsText("Invoice2024.txt");
  await laptop.createsText("請求書 2024.txt");
  await laptop.isReadyForOffline();
  await laptop.entersAirplaneMode();

  const box = laptop.page.getByRole("searchbox", { name: "Search" });
  const results = laptop.page.getByRole("region", { name: "Search results" });
  const names = results.locator("ul").first();
  const says = (text) => laptop.page.getByRole("status").filter({ hasText: text }).waitFor();
  await box.fill("invioce");
  await says("4 by name, 0 by content");
  const found = await names.getByRole("link").allTextContents();
  assert.deepEqual(found.slice(0, 2).map((text) => text.replace(/My files.*/, "")), ["invioce.txt", "my invioce.txt"]);
  assert.match(found.slice(2).sort().join(), /^Invoice2024\.txtMy files \/ Invoices,InvoicesMy files$/);
  await laptop.photographs("a slip in a name");
  // What is renamed is called so when the list is opened anew.
  await box.press("Escape");
  await results.waitFor({ state: "hidden" });
  await laptop.renames("Invoice2024.txt", "Receipt.txt");
  await box.fill("reciept");
  await names.getByRole("link", { name: "Receipt.txt" }).waitFor();
  await box.fill("請求 2024");
  await names.getByRole("link", { name: "請求書 2024.txt" }).waitFor();
  await box.fill("recieptx nothing");
  await names.getByText("No name fits").waitFor();
  await laptop.leavesAirplaneMode();
});

test("words of a document, a PDF, a workbook and a table are found, and what is locked holds up nothing", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const files = {
    "report.docx": makeDocx({ body: paragraph(run("Narwhals were sighted")) }),
    "story.epub": makeEpub({ title: "Story", author: "Ann", contents: [], chapters: [{ path: "a.xhtml", body: "<p>Then narwhals sang</p>" }] }),
    "book.pdf": makePdf(["This is leaf 1", "Here narwhals sleep"], { title: "Book" }),
    "counts.xlsx": makeXlsx([{ name: "North", rows: [["narwhals", 3]] }]),
    "list.csv": "kind,count\nnarwhals,3\n",
    "broken.docx": "narwhals",
    "locked.pdf": await readFile(LOCKED),
  };
  const disk = await w.disk(files);
  await uploads(laptop, Object.keys(files).map((name) => path.join(disk, name)));
  await laptop.sees(...Object.keys(files));
  await laptop.page.getByRole("searchbox", { name: "Search" }).fill("narwhal");
  const results = laptop.page.getByRole("region", { name: "Search results" });
  const said = {
    "report.docx": "Narwhals were sighted",
    "story.epub": "Then narwhals sang",
    "book.pdf": "Here narwhals sleep",
    "counts.xlsx": "narwhals",
    "list.csv": "narwhals,3",
  };
  for (const [name, text] of Object.entries(said)) {
    const found = results.getByRole("link", { name });
    await found.locator("mark").getByText(/narwhals/i).waitFor();
    assert.ok((await found.locator(".search-snippet").textContent()).includes(text), name);
  }
  await results.getByText("files read so far").waitFor({ state: "hidden" });
  assert.equal(await results.getByRole("link", { name: /broken|locked/ }).count(), 0);
  await laptop.photographs("search finds what is in documents");
  await laptop.page.locator("iframe").waitFor({ state: "detached" });
});

test("what one device has read is found on another that has none of it, without the network", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "report.docx": makeDocx({ body: paragraph(run("Narwhals were sighted")) }) });
  await uploads(laptop, [path.join(disk, "report.docx")]);
  await laptop.sees("report.docx");
  await laptop.isOnServer();
  const found = async (device) => {
    await device.page.getByRole("searchbox", { name: "Search" }).fill("narwhal");
    return device.page.getByRole("region", { name: "Search results" }).getByRole("link", { name: "report.docx" });
  };
  await (await found(laptop)).waitFor();

  const phone = await w.nextDevice("phone");
  await phone.sees("report.docx");
  // The laptop shares when it has nothing else to do, and a device asks when it starts.
  for (let starts = 0; ; starts++) {
    const seen = (await found(phone)).waitFor({ timeout: 3_000 }).then(() => true, () => false);
    if (await seen) break;
    assert.ok(starts < 10, "the laptop has not shared");
    await phone.reloads();
    await phone.sees("report.docx");
  }
  await phone.isReadyForOffline();
  await phone.entersAirplaneMode();
  await phone.reloads();
  await phone.sees("report.docx");
  await (await found(phone)).waitFor();
  await phone.leavesAirplaneMode();
});

test("what is found is narrowed to a kind, a size and a folder, offline", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({
    "whales.pdf": makePdf(["Here narwhals sleep"], { title: "Book" }),
    "whales.csv": `kind,count\nnarwhals,3\n${"seals,7\n".repeat(20_000)}`,
  });
  await uploads(laptop, ["whales.pdf", "whales.csv"].map((name) => path.join(disk, name)));
  await laptop.sees("whales.pdf", "whales.csv");
  await laptop.createsFolder("Whales");
  await laptop.entersFolder("Whales");
  await laptop.createsText("whales.txt", "narwhals sing");
  await laptop.isReadyForPreviewsOffline();
  await laptop.entersAirplaneMode();

  const results = laptop.page.getByRole("region", { name: "Search results" });
  const chooses = (filter, option) => results.getByRole("combobox", { name: filter, exact: true }).selectOption(option);
  const hit = (name) => results.locator(".search-texts").getByRole("link", { name });
  const finds = async (...names) => {
    for (const name of ["whales.pdf", "whales.csv", "whales.txt"]) {
      await hit(name).waitFor({ state: names.includes(name) ? "visible" : "detached" });
    }
  };
  await laptop.page.getByRole("searchbox", { name: "Search" }).fill("narwhals");
  await finds("whales.pdf", "whales.csv", "whales.txt");
  await chooses("Kind", "PDF");
  await finds("whales.pdf");
  await chooses("Kind", "Text");
  await finds("whales.txt");
  await chooses("Kind", "All kinds");
  await chooses("Size", "100 KB to 1 MB");
  await finds("whales.csv");
  await chooses("Size", "Up to 100 KB");
  await finds("whales.pdf", "whales.txt");
  await chooses("Where", "In this folder");
  await finds("whales.txt");
  await chooses("Size", "Any size");
  await chooses("Where", "Everywhere");
  await finds("whales.pdf", "whales.csv", "whales.txt");
  // By their names they are narrowed to a kind too.
  await laptop.page.getByRole("searchbox", { name: "Search" }).fill("whales");
  await chooses("Kind", "Folder");
  await results.locator("ul").first().getByRole("link", { name: "Whales" }).waitFor();
  await results.locator("ul").first().getByRole("link", { name: "whales.pdf" }).waitFor({ state: "detached" });
  await laptop.leavesAirplaneMode();
});
