// The preview of a book: its chapters, the ways through it, the place where it was left, and no harm.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { makeZip } from "./support/archives.js";
import { escaped, makeEpub } from "./support/office.js";
import { picture } from "./support/picture.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const HOSTILE = '<img src=x onerror="top.ran = self.ran = true">';

const chapters = [
  {
    path: "one.xhtml",
    body: `<h1>The voyage</h1><p>It begins,&nbsp;<em>as</em> all do<a epub:type="noteref" href="two.xhtml#n1">*</a>: see <a href="two.xhtml#land">how it ends</a>.</p>
      <script>top.ran = self.ran = true</script><p onclick="top.ran = true">${escaped(HOSTILE)}</p>
      <p><a href="javascript:top.ran=true">a trap</a> <img src="flag.png" alt="a red flag"/><img src="http://127.0.0.1:9/spy.png" alt="a spy"/></p>
      <ol type="I"><li>one</li><li>two</li></ol><blockquote><p>So he said.</p></blockquote>
      ${Array.from({ length: 3000 }, (_, day) => `<p>Day ${day + 1}, and nothing in sight.</p>`).join("")}`,
  },
  {
    path: "two.xhtml",
    body: `<h2 id="land">Landfall</h2><p>At last.</p><aside epub:type="footnote" id="n1"><p>a note of old</p></aside>
      ${Array.from({ length: 200 }, (_, day) => `<p>Ashore, day ${day + 1}.</p>`).join("")}`,
  },
];
const contents = [
  ["The voyage", "one.xhtml"],
  [HOSTILE, "one.xhtml"],
  ["Landfall", "two.xhtml#land"],
];
const more = [["OEBPS/flag.png", picture([200, 30, 30])]];
const BOOK = { title: `Log ${HOSTILE}`, author: "Ann <b>Lee</b>", chapters, contents, more };

/** Whether an element is in its window. */
const isSeen = (one) =>
  one.evaluate((element) => {
    const { top } = element.getBoundingClientRect();
    return top >= 0 && top < innerHeight;
  });

test("a book is read offline by its contents and links, and opens where it was left; what is hostile in it is text or refused", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const files = {
    "log.epub": makeEpub(BOOK),
    "bomb.epub": makeZip([["META-INF/container.xml", " ".repeat(4 << 20)]]),
    "sold.epub": makeEpub({ ...BOOK, lock: "http://www.w3.org/2001/04/xmlenc#aes128-cbc" }),
  };
  const disk = await w.disk(files);
  await uploads(laptop, Object.keys(files).map((name) => path.join(disk, name)));
  await laptop.sees(...Object.keys(files));
  await laptop.isReadyForPreviewsOffline();
  await laptop.isOnServer();
  await laptop.entersAirplaneMode();
  const frame = laptop.preview.locator("iframe").contentFrame();
  const said = frame.getByRole("status");
  const landfall = frame.getByRole("heading", { name: "Landfall", level: 2 });

  await laptop.enters("log.epub");
  await frame.getByRole("heading", { name: "The voyage", level: 1 }).waitFor();
  await frame.getByText(BOOK.title, { exact: true }).waitFor();
  await frame.getByText(BOOK.author, { exact: true }).waitFor();
  await frame.getByText(HOSTILE, { exact: true }).first().waitFor();
  await frame.getByText("II.", { exact: true }).waitFor();
  await frame.getByRole("img", { name: "a red flag" }).and(frame.locator("[src^='blob:']")).waitFor();
  await frame.getByText("(a picture that cannot be shown)").waitFor();

  // What leads out is told, a note is shown where it is referred to, what leads within is followed.
  await frame.getByRole("link", { name: "a trap" }).click();
  await said.getByText("javascript:top.ran=true").waitFor();
  await frame.getByRole("button", { name: "*", exact: true }).click();
  await said.getByText("a note of old").waitFor();
  await frame.getByRole("link", { name: "how it ends" }).press("Enter");
  await landfall.waitFor();
  assert.ok(await isSeen(landfall), "it is in sight");
  await frame.getByRole("button", { name: "The voyage" }).click();
  assert.ok(await isSeen(frame.getByRole("heading", { name: "The voyage" })), "so is the beginning");
  await frame.getByRole("button", { name: "Landfall" }).click();
  assert.ok(await isSeen(landfall), "and the end again");
  for (const one of laptop.page.frames()) assert.equal(await one.evaluate(() => globalThis.ran), undefined);
  await laptop.until(() => JSON.parse(localStorage.getItem("offing.places"))?.some(([, block]) => block > 3000));
  await laptop.goesTo("My files");

  await laptop.enters("log.epub");
  await landfall.waitFor();
  assert.ok(await isSeen(landfall), "it is where it was left");
  await laptop.goesTo("My files");

  await laptop.enters("bomb.epub");
  await laptop.preview.getByRole("alert").filter({ hasText: "a hundred times its size" }).waitFor();
  await laptop.goesTo("My files");
  await laptop.enters("sold.epub");
  await laptop.preview.getByRole("alert").filter({ hasText: "lock of the shop" }).waitFor();
  await laptop.leavesAirplaneMode();
});
