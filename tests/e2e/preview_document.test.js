// The preview of a document: its structure, what was changed in it, and no harm.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { makeZip } from "./support/archives.js";
import { escaped, makeDocx, paragraph, run } from "./support/office.js";
import { picture } from "./support/picture.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const HOSTILE = '<img src=x onerror="top.ran = self.ran = true">';

const cell = (inside, properties = "") => `<w:tc><w:tcPr>${properties}</w:tcPr>${inside}</w:tc>`;
const BODY = [
  paragraph(run("The voyage"), { style: "H1" }),
  paragraph(`${run("Read ")}<w:hyperlink r:id="l">${run("this")}</w:hyperlink>${run(" first")}<w:r><w:footnoteReference w:id="3"/></w:r>`),
  paragraph(run("one"), { item: true }),
  paragraph(run(HOSTILE), { item: true }),
  paragraph(`<w:ins w:author="${escaped(HOSTILE)}" w:date="2026-01-02T03:04:05Z">${run("put in")}</w:ins><w:del w:author="Bo"><w:r><w:delText>taken out</w:delText></w:r></w:del>`),
  `<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>${cell(paragraph(run("Port")), '<w:gridSpan w:val="2"/>')}</w:tr>
   <w:tr>${cell(paragraph(run("Riga")))}${cell(paragraph(run("Oslo")))}</w:tr></w:tbl>`,
  paragraph(`<w:r><w:drawing><wp:docPr descr="a red flag"/><a:blip r:embed="p"/></w:drawing></w:r><m:oMath><m:t>x</m:t></m:oMath>`),
  ...Array.from({ length: 3000 }, (_, day) => paragraph(run(`Day ${day + 1}, and nothing in sight.`))),
  paragraph(run("Landfall"), { style: "H2" }),
].join("");
const NOTES = `<w:footnote w:id="3">${paragraph(run("a note of old"))}</w:footnote>`;

test("a document is read offline by its headings, and what is hostile in it is text or refused", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const files = {
    "log.docx": makeDocx({ body: BODY, notes: NOTES, picture: picture([200, 30, 30]) }),
    "bomb.docx": makeZip([["word/document.xml", " ".repeat(4 << 20)]]),
  };
  const disk = await w.disk(files);
  await uploads(laptop, Object.keys(files).map((name) => path.join(disk, name)));
  await laptop.sees(...Object.keys(files));
  await laptop.isReadyForPreviewsOffline();
  await laptop.isOnServer();
  await laptop.entersAirplaneMode();
  const frame = laptop.preview.locator("iframe").contentFrame();
  const said = frame.getByRole("status");

  await laptop.enters("log.docx");
  await frame.getByRole("heading", { name: "The voyage", level: 1 }).waitFor();
  await frame.getByText("I)", { exact: true }).waitFor();
  await frame.getByText(HOSTILE, { exact: true }).waitFor();
  await frame.getByRole("columnheader", { name: "Port" }).waitFor();
  await frame.getByText("(an equation that is not shown)").waitFor();
  await frame.getByRole("img", { name: "a red flag" }).scrollIntoViewIfNeeded();
  await frame.getByRole("img", { name: "a red flag" }).and(frame.locator("[src^='blob:']")).waitFor();

  // What a link, a change and a note say is told, and nothing of it is followed.
  await frame.getByRole("link", { name: "this" }).click();
  await said.getByText("javascript:top.ran=true").waitFor();
  await frame.getByRole("insertion").click();
  await said.getByText(`Inserted by ${HOSTILE} on 2026-01-02`).waitFor();
  await frame.getByRole("button", { name: "1", exact: true }).click();
  await said.getByText("a note of old").waitFor();

  await frame.getByRole("button", { name: "Landfall" }).click();
  await frame.getByRole("heading", { name: "Landfall", level: 2 }).waitFor();
  const seen = await frame.getByRole("heading", { name: "Landfall" }).evaluate((heading) => {
    const { top } = heading.getBoundingClientRect();
    return top >= 0 && top < innerHeight;
  });
  assert.ok(seen, "it is in sight");
  for (const one of laptop.page.frames()) assert.equal(await one.evaluate(() => globalThis.ran), undefined);
  await laptop.goesTo("My files");

  await laptop.enters("bomb.docx");
  await laptop.preview.getByRole("alert").filter({ hasText: "a hundred times its size" }).waitFor();
  await laptop.leavesAirplaneMode();
});
