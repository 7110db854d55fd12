// The preview of a workbook: its sheets, its cells as the file has them shown, and no harm.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { makeZip } from "./support/archives.js";
import { makeXlsx, STYLE } from "./support/office.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const HOSTILE = '<img src=x onerror="top.ran = self.ran = true">';
const FORMULA = "=HYPERLINK(\"javascript:top.ran=true\")";

const quoted = (text) => `"${text.replaceAll('"', '""')}"`;

const BOOK = makeXlsx([
  {
    name: "Figures",
    merges: ["A1:C1"],
    rows: [
      [{ text: "A title over three", style: STYLE.bold }, "hidden by it"],
      ["When", "What", "Amount"],
      [{ number: 45_943, style: STYLE.date }, HOSTILE, { number: 1234.5, style: STYLE.euro }],
      [FORMULA, null, { text: "#DIV/0!", t: "e" }],
      ...Array.from({ length: 30_000 }, (_, row) => [row + 5, `line ${row + 5}`, { number: row / 10_000, style: STYLE.percent }]),
    ],
  },
  { name: "Secret", rows: [["nobody is to see this"]], hidden: true },
  { name: HOSTILE, rows: [["other"]] },
  { name: "Nothing", rows: [] },
]);
const ODS = makeZip([
  ["mimetype", "application/vnd.oasis.opendocument.spreadsheet"],
  [
    "content.xml",
    `<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]><office:body xmlns:office="o" xmlns:table="t" xmlns:text="x"><table:table table:name="Plan"><table:table-row>
     <table:table-cell office:value-type="float" office:value="1"><text:p>1,00 €</text:p></table:table-cell>
     <table:table-cell><text:p>&c;end</text:p></table:table-cell></table:table-row></table:table></office:body>`,
  ],
]);

test("a workbook is read by its sheets and its keys, and what is hostile in it is text or refused", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const files = {
    "book.xlsx": BOOK,
    "plan.ods": ODS,
    "bomb.xlsx": makeZip([["xl/workbook.xml", " ".repeat(4 << 20)]]),
    "sealed.xlsx": Buffer.concat([Buffer.from([0xd0, 0xcf, 0x11, 0xe0]), Buffer.from("EncryptedPackage", "utf16le")]),
  };
  const disk = await w.disk(files);
  await uploads(laptop, Object.keys(files).map((name) => path.join(disk, name)));
  await laptop.sees(...Object.keys(files));
  const frame = laptop.preview.locator("iframe").contentFrame();
  const alert = laptop.preview.getByRole("alert");
  const cell = (text) => frame.getByRole("gridcell", { name: text, exact: true });

  await laptop.enters("book.xlsx");
  await cell("2025-10-13").waitFor();
  await cell("1,234.50 €").waitFor();
  await cell("#DIV/0!").waitFor();
  await cell(HOSTILE).waitFor();
  await cell(FORMULA).waitFor();
  assert.equal(await cell("hidden by it").count(), 0);
  assert.deepEqual(await frame.getByRole("tab").allTextContents(), ["Figures", HOSTILE, "Nothing"]);

  const left = async (one) => (await one.boundingBox()).x;
  assert.equal(await left(frame.getByText("A", { exact: true })), await left(cell("When")), "letters are above their columns");

  const table = frame.getByRole("grid");
  await table.focus();
  await laptop.page.keyboard.press("Control+End");
  await cell("line 30004").waitFor();
  await frame.getByRole("status").getByText("C30004").waitFor();
  assert.ok((await frame.getByRole("row").count()) < 80, "only rows in sight exist");
  await laptop.page.keyboard.press("ArrowLeft");
  await laptop.page.keyboard.press("ArrowUp");
  await frame.getByRole("status").getByText("line 30003").waitFor();

  // Words are found in rows that were never in sight, from the cell that was chosen and around.
  await laptop.page.keyboard.press("Control+Home");
  await laptop.page.keyboard.press("Control+f");
  const find = frame.getByRole("searchbox", { name: "Find" });
  await find.fill("LINE 2999");
  await frame.getByText("1 / 11", { exact: true }).waitFor();
  await frame.getByRole("status").getByText("B2999", { exact: true }).waitFor();
  await find.press("Enter");
  await frame.getByRole("status").getByText("B29990", { exact: true }).waitFor();
  await cell("line 29990").waitFor();
  await find.press("Shift+Enter");
  await frame.getByText("1 / 11", { exact: true }).waitFor();
  await find.fill("nowhere");
  await frame.getByText("Nothing found").waitFor();
  await find.press("Escape");

  // A block is chosen by keys and copied as lines of fields; what is too much says so.
  await laptop.page.keyboard.press("Control+Home");
  for (const key of ["ArrowDown", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"]) await laptop.page.keyboard.press(key);
  await frame.getByRole("status").getByText("A3:C4", { exact: true }).waitFor();
  assert.equal(await frame.getByRole("gridcell", { selected: true }).count(), 5);
  await laptop.page.keyboard.press("Control+c");
  await frame.getByText("6 cells copied").waitFor();
  assert.equal(await laptop.pastes(), `2025-10-13\t${quoted(HOSTILE)}\t1,234.50 €\n${quoted(FORMULA)}\t\t#DIV/0!`);
  await cell("When").click();
  await cell("Amount").click({ modifiers: ["Shift"] });
  await laptop.page.keyboard.press("Control+c");
  await frame.getByText("3 cells copied").waitFor();
  assert.equal(await laptop.pastes(), "When\tWhat\tAmount");
  await cell("When").click();
  await laptop.page.keyboard.press("Control+a");
  await laptop.page.keyboard.press("Control+c");
  await frame.getByText("90,012 cells copied").waitFor();

  await laptop.page.keyboard.press("Control+PageDown");
  await cell("other").waitFor();
  assert.equal(await frame.getByRole("tab", { selected: true }).textContent(), HOSTILE);
  await frame.getByRole("tab", { selected: true }).press("ArrowRight");
  await frame.getByText("This sheet is empty.").waitFor();
  assert.equal(await laptop.page.evaluate(() => globalThis.ran), undefined);
  // The next workbook gets the sandbox that was made meanwhile, with its module compiled.
  await laptop.page.locator("#spare-previews iframe").evaluate((spare) => (spare.dataset.spare = "yes"));
  await laptop.goesTo("My files");

  await laptop.enters("plan.ods");
  await cell("1,00 €").waitFor();
  assert.equal(await laptop.preview.locator("iframe").getAttribute("data-spare"), "yes");
  await cell("end").waitFor();
  await laptop.goesTo("My files");

  await laptop.enters("bomb.xlsx");
  await alert.filter({ hasText: "a hundred times its size" }).waitFor();
  await laptop.goesTo("My files");
  await laptop.enters("sealed.xlsx");
  await alert.filter({ hasText: "password" }).waitFor();
});
