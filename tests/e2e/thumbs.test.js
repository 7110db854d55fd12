// Thumbs: made where a picture is uploaded, and seen on another device without the file.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { makeDocx, makeEpub, paragraph, run } from "./support/office.js";
import { makePdf } from "./support/pdf.js";
import { picture } from "./support/picture.js";
import { film } from "./support/sound.js";
import { uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";

/** A picture too large to be packed with others, which no browser can compress away. */
const SEA = Buffer.concat([picture([20, 90, 120], 1_600, 900), noise(300_000)]);
/** A picture says that it is as large as no memory is. */
const BOMB = picture([9, 9, 9]);
BOMB.writeUInt32BE(60_000, 16);
BOMB.writeUInt32BE(60_000, 20);

/** The sizes of the thumbs that rows show, by name; 0 for none. */
const thumbs = (tab, names) =>
  tab.page.evaluate((names) => {
    const row = (name) => document.querySelector(`[role=row][aria-label="${name}"]`);
    return names.map((name) => row(name)?.querySelector("img")?.naturalWidth ?? 0);
  }, names);

const shows = (tab, ...names) =>
  tab.page.waitForFunction((names) => {
    const row = (name) => document.querySelector(`[role=row][aria-label="${name}"]`);
    return names.every((name) => row(name)?.querySelector("img[alt='']")?.naturalWidth > 0);
  }, names);

test("pictures show small in the list, on another device without their files and offline", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const files = { "sea.png": SEA, "wood.png": picture([60, 120, 40], 300, 900), "bomb.png": BOMB, "fake.jpg": Buffer.from("<svg onload='top.ran = 1'>"), "notes.md": "by the sea", "paper.pdf": makePdf(["Tides", "Ebb and flow"], { title: "Tides" }), "film.webm": await film(laptop) };
  const disk = await w.disk(files);
  await uploads(laptop, Object.keys(files).map((name) => path.join(disk, name)));
  await laptop.isOnServer();
  await shows(laptop, "sea.png", "wood.png", "paper.pdf", "film.webm");
  assert.deepEqual(await thumbs(laptop, ["sea.png", "wood.png", "film.webm", "bomb.png", "fake.jpg", "notes.md"]), [256, 85, 160, 0, 0, 0]);
  assert.equal(await laptop.page.evaluate(() => document.querySelectorAll("iframe, video").length), 0, "what drew is gone");
  await laptop.photographs("thumbs in a list");

  const phone = await w.nextDevice("phone", "alice", { width: 360, height: 740, dark: true, touch: true });
  await shows(phone, "sea.png", "wood.png", "paper.pdf", "film.webm");
  await phone.isReadyForOffline();
  assert.match(await phone.row("sea.png").innerText(), /On the server only/);
  await phone.photographs("thumbs on a phone");
  await phone.entersAirplaneMode();
  await phone.reloads();
  await shows(phone, "sea.png", "wood.png", "paper.pdf", "film.webm");
  assert.match(await phone.row("sea.png").innerText(), /On the server only/);
  await phone.leavesAirplaneMode();

  // What takes a picture's place has a thumb of its own, or none.
  const other = await w.disk({ "sea.png": picture([200, 30, 30], 90, 90), "wood.png": Buffer.from("no picture any more") });
  await uploads(laptop, ["sea.png", "wood.png"].map((name) => path.join(other, name)));
  await laptop.presses("Replace");
  await phone.page.waitForFunction(() => {
    const image = (name) => document.querySelector(`[role=row][aria-label="${name}"] img`);
    return image("sea.png")?.naturalWidth === 90 && !image("wood.png");
  });
});

test("documents and books show a picture that is in them, or how they begin, and hostile ones none", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const shown = paragraph('<w:r><w:drawing><a:blip r:embed="p"/></w:drawing></w:r>');
  const chapters = [{ path: "a.xhtml", body: '<p>By the sea</p><img src="sea.png"/>' }];
  const files = {
    "story.docx": makeDocx({ body: shown, picture: picture([20, 90, 120], 400, 200) }),
    "own.docx": makeDocx({ body: shown, picture: picture([200, 30, 30], 300, 300), own: picture([60, 120, 40], 90, 120) }),
    "plain.docx": makeDocx({ body: paragraph(run("by the sea")) }),
    "bomb.docx": makeDocx({ body: shown, picture: BOMB }),
    "bullet.docx": makeDocx({ body: shown, picture: picture([9, 9, 9], 12, 12) }),
    "script.docx": makeDocx({ body: shown, own: Buffer.from("<svg onload='top.ran = 1'>"), picture: Buffer.from("<script>top.ran = 1</script>") }),
    "fake.docx": Buffer.from("PK\x03\x04 and no more"),
    "book.epub": makeEpub({ title: "Tides", author: "Ann", chapters, contents: [["One", "a.xhtml"]], more: [["OEBPS/sea.png", picture([20, 90, 120], 100, 200)]] }),
  };
  const disk = await w.disk(files);
  await uploads(laptop, Object.keys(files).map((name) => path.join(disk, name)));
  await laptop.isOnServer();
  await shows(laptop, "story.docx", "own.docx", "plain.docx", "book.epub");
  assert.deepEqual(await thumbs(laptop, Object.keys(files)), [256, 90, 181, 0, 0, 0, 0, 100]);
  assert.equal(await laptop.page.evaluate(() => globalThis.ran), undefined);
  assert.equal(await laptop.page.evaluate(() => document.querySelectorAll("iframe").length), 0, "what read them is gone");
  await laptop.photographs("thumbs of documents");
});
