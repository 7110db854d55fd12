// Every viewer, photographed for people to look at: light and dark, on a laptop and on a phone.
// `node looks.js` writes pictures into `output/`; it asserts nothing but that each is there to be
// seen. `OFFING_CORPUS` names a list of real files, one in a line, that are opened too (`cargo xtask
// corpus` fetches some); `OFFING_LOOKS` is a pattern that titles of pictures match, for a second look.

import { copyFile, readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { makeZip } from "./support/archives.js";
import { makeDocx, makeEpub, makeXlsx, paragraph, run, STYLE } from "./support/office.js";
import { linkAt, makePdf } from "./support/pdf.js";
import { photo, picture } from "./support/picture.js";
import { film, sound } from "./support/sound.js";
import { uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";

const { OFFING_CORPUS, OFFING_LOOKS } = process.env;
const LOCKED = new URL("../../preview/src/pdf/tests/locked.pdf", import.meta.url);
/** A list draws the rows that are in sight alone, a phone's the fewest. */
const FOLDER_FILES = 8;
const LAPTOP = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740, touch: true };
/** How long a moment may take to come about: what does not is told, and the walk goes on. */
const MOMENT_MS = 8_000;
/** How long it may take until all that was brought can be found by its words. */
const READ_MS = 120_000;

const cell = (text, properties = "") => `<w:tc><w:tcPr>${properties}</w:tcPr>${paragraph(run(text))}</w:tc>`;
const line = (...cells) => `<w:tr>${cells.map((text) => cell(text)).join("")}</w:tr>`;
const MINUTES = [
  paragraph(run("Minutes of the harbour board"), { style: "H1" }),
  paragraph(`${run("The board met at noon and read ")}<w:hyperlink r:id="l">${run("the letter of the pilots")}</w:hyperlink>${run(" first")}<w:r><w:footnoteReference w:id="3"/></w:r>${run(".")}`),
  paragraph(run("The lamps on the north mole are to be mended before the autumn."), { item: true }),
  paragraph(run("Dues stay as they are until the spring, when the new crane is paid for and the accounts are shown to all who moor here."), { item: true }),
  paragraph(`${run("The ferry leaves ")}<w:del w:author="Bo" w:date="2026-01-02T03:04:05Z"><w:r><w:delText>at nine</w:delText></w:r></w:del><w:ins w:author="Ann" w:date="2026-01-02T03:04:05Z">${run("at half past nine")}</w:ins>${run(" on weekdays.")}`),
  paragraph(run("Ships in port"), { style: "H2" }),
  `<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>${["Ship", "From", "Berth", "Cargo", "Leaves"].map((text) => cell(text)).join("")}</w:tr>
   ${line("Aurora", "Riga", "4", "Timber, sawn and planed", "Monday")}${line("Kestrel", "Oslo", "7", "Machines", "Wednesday")}${line("Petrel", "Gdańsk", "2", "Grain", "When the wind allows")}</w:tbl>`,
  paragraph('<w:r><w:drawing><wp:docPr descr="The north mole"/><a:blip r:embed="p"/></w:drawing></w:r>'),
  ...Array.from({ length: 40 }, (_, day) => paragraph(run(`On day ${day + 1} nothing was in sight but the light of the north mole, and the watch changed at eight as it does.`))),
  paragraph(run("What is next"), { style: "H2" }),
].join("");
const NOTES = `<w:footnote w:id="3">${paragraph(run("It came by the morning's post, and is kept with the papers of the year."))}</w:footnote>`;

const prose = (chapter) => `<h1>${chapter}</h1><p>It begins,&nbsp;<em>as</em> all do, by the sea<a epub:type="noteref" href="two.xhtml#n1">*</a>: see <a href="two.xhtml">how it ends</a>.</p>
  <blockquote><p>So he said, and went on board.</p></blockquote><img src="sea.png" alt="The sea"/>
  ${Array.from({ length: 60 }, (_, day) => `<p>Day ${day + 1}. The wind went round to the north-west in the night, and we stood off the land until it was light enough to see the marks.</p>`).join("")}`;
const BOOK = {
  title: "A voyage along the coast",
  author: "Ann Lee",
  chapters: [{ path: "one.xhtml", body: prose("Setting out") }, { path: "two.xhtml", body: `${prose("Landfall")}<aside epub:type="footnote" id="n1"><p>The first of them was written at home.</p></aside>` }],
  contents: [["Setting out", "one.xhtml"], ["Landfall, and what was found there when the fog had lifted", "two.xhtml"]],
  more: [["OEBPS/sea.png", picture([20, 90, 120], 640, 240)]],
};

const PEOPLE = ["name,born,place,note", ...Array.from({ length: 400 }, (_, row) => `"Person, ${row}",${1900 + (row % 99)},Harbour ${row % 7},${row % 5 ? "" : "a note that is rather longer than its column is wide"}`)].join("\r\n");
const BUDGET = makeXlsx([
  {
    name: "Budget",
    merges: ["A1:D1"],
    rows: [
      [{ text: "Budget of the harbour", style: STYLE.bold }],
      ["When", "What", "Amount", "Share"].map((text) => ({ text, style: STYLE.bold })),
      ...Array.from({ length: 200 }, (_, row) => [
        { number: 45_943 + row, style: STYLE.date },
        ["Timber", "Lamps and oil for the north mole", "Wages", "Rope"][row % 4],
        { number: 1234.5 * ((row % 9) - 2), style: STYLE.euro },
        row === 5 ? { text: "#DIV/0!", t: "e" } : { number: row / 200, style: STYLE.percent },
      ]),
    ],
  },
  { name: "Ships", rows: [["Aurora", "Riga"], ["Kestrel", "Oslo"]] },
  { name: "Nothing", rows: [] },
]);
const ODS = makeZip([
  ["mimetype", "application/vnd.oasis.opendocument.spreadsheet"],
  ["content.xml", `<office:body xmlns:office="o" xmlns:table="t" xmlns:text="x"><table:table table:name="Plan">${Array.from({ length: 30 }, (_, row) => `<table:table-row><table:table-cell><text:p>Week ${row + 1}</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="${row}"><text:p>${row},00 €</text:p></table:table-cell></table:table-row>`).join("")}</table:table></office:body>`],
]);
const README = "# The north mole\n\nWhat is kept here, and **why**. See [the plan](plan.md).\n\n- [x] Lamps\n- [ ] Rope\n\n| Ship | Berth |\n| --- | ---: |\n| Aurora | 4 |\n| Kestrel | 7 |\n\n> Before the autumn.\n\n```rust\nfn main() {}\n```\n";
const CODE = '//! Keeps the light.\n\nuse std::time::Duration;\n\n/// How long it is dark between two flashes.\nconst DARK: Duration = Duration::from_secs(6);\n\npub fn flashes(night: &Night) -> usize {\n    let mut count = 0;\n    while night.is_dark() {\n        // The keeper counts aloud.\n        println!("flash {count}");\n        count += 1;\n    }\n    count\n}\n';
const PAGE = '<!doctype html><title>Tides</title><h1 onclick="alert(1)">Tides</h1><p>High water at <b>noon</b>.</p><script>top.ran = true</script>';

/** What lies in the drive, by folder. */
async function things(tab) {
  const pages = Array.from({ length: 60 }, (_, index) => `Leaf ${index + 1}, high water at noon`);
  const web = linkAt(20, 150, "/A << /S /URI /URI (https://example.org/tides) >>");
  return {
    Papers: {
      "tides.pdf": makePdf(pages, { title: "The last leaf", links: { 1: [web] } }),
      "locked.pdf": await readFile(LOCKED),
      "minutes.docx": makeDocx({ body: MINUTES, notes: NOTES, picture: picture([20, 90, 120], 640, 240) }),
      "voyage.epub": makeEpub(BOOK),
      "damaged.docx": makeZip([["word/document.xml", "<w:document><w:body>"]]).subarray(0, -30),
      "sealed.xlsx": Buffer.concat([Buffer.from([0xd0, 0xcf, 0x11, 0xe0]), Buffer.from("EncryptedPackage", "utf16le")]),
    },
    Figures: { "budget.xlsx": BUDGET, "plan.ods": ODS, "people.csv": Buffer.concat([Buffer.from(PEOPLE), Buffer.from("\r\ncaf\xe9,1", "latin1")]) },
    Pictures: {
      "harbour.jpg": await photo(tab, { author: "Ann Lee", place: [[38, 42, 30], [9, 8, 0]] }),
      "sea.png": picture([20, 90, 120], 1600, 900),
      "mark.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="240" height="240" fill="none" stroke="#177" stroke-width="12"><circle cx="120" cy="120" r="90"/><path d="M120 30v180M30 120h180"/></svg>',
      "film.webm": await film(tab),
      "broken.png": Buffer.concat([picture([1, 2, 3]).subarray(0, 30), noise(100)]),
    },
    Songs: { "1 Ebb.wav": sound(30), "2 Flow.wav": sound(20), "3 A song with a name that is far too long for the line that it stands in on a telephone.wav": sound(2), "4 Neap.wav": sound(2), "not a song.mp3": "a text" },
    Packed: {
      "papers.zip": makeZip([["report/summary.txt", "All is well.\n".repeat(40)], ["report/numbers.bin", noise(4000)], ["A name that is long enough to need an ellipsis on a small telephone screen.txt", "x"], ["inner.zip", makeZip([["deep.txt", "deep"]])], ["mark.png", picture([20, 90, 120])]]),
      "data.bin": noise(200_000),
      "watch.log": `\u0000${Array.from({ length: 60_000 }, (_, hour) => `${hour} the watch changes, and nothing is in sight but the light of the north mole`).join("\n")}`,
      "page.html": PAGE,
    },
    Notes: { "README.md": README, "plan.md": README, "keeper.rs": CODE, "empty.md": "", "A name that is long enough to need an ellipsis on a small telephone screen.txt": "x" },
  };
}

/** What is opened and looked at: the folder, the file, and moments of it by title. */
const SCENES = [
  ["Papers", "tides.pdf", {
    "pdf": ({ frame }) => frame.locator("canvas").first().waitFor(),
    "pdf outline": ({ frame }) => unfolds(frame, "Contents"),
    "pdf thumbnails": async ({ frame }) => {
      await unfolds(frame, "Thumbnails");
      await frame.getByRole("button", { name: "Page 2 of 60" }).locator("canvas").waitFor();
    },
    "pdf about": async ({ frame }) => {
      await frame.getByRole("button", { name: "Thumbnails" }).press("Enter");
      await frame.getByText("About", { exact: true }).click();
    },
    "pdf find": async ({ frame }) => {
      await frame.getByText("About", { exact: true }).click();
      await frame.getByRole("button", { name: "Find", exact: true }).click();
      await frame.getByRole("searchbox").fill("noon");
      await frame.getByText("/ 60", { exact: false }).last().waitFor();
    },
    "pdf link": async ({ frame, tab }) => {
      await tab.page.keyboard.press("Escape");
      await frame.getByRole("link", { name: "https://example.org/tides" }).press("Enter");
      await tab.preview.getByRole("group", { name: "This link leads to" }).waitFor();
    },
  }],
  ["Papers", "locked.pdf", {
    "pdf password": ({ frame }) => frame.getByLabel("Password").waitFor(),
    "pdf password wrong": async ({ frame }) => {
      await frame.getByLabel("Password").fill("open");
      await frame.getByRole("button", { name: "Open", exact: true }).click();
      await frame.getByRole("alert").waitFor();
    },
  }],
  ["Papers", "minutes.docx", {
    "document": ({ frame }) => frame.getByRole("heading", { level: 1 }).waitFor(),
    "document footnote": ({ frame }) => frame.getByRole("button", { name: "1", exact: true }).click(),
    "document change": ({ frame }) => frame.getByRole("insertion").click(),
    "document contents": ({ frame }) => unfolds(frame, "Contents"),
    "document table": async ({ frame }) => {
      await frame.getByRole("button", { name: "Ships in port" }).click();
      await frame.locator("img[src^='blob:']").first().waitFor();
    },
  }],
  ["Papers", "voyage.epub", {
    "book": ({ frame }) => frame.getByRole("heading", { name: "Setting out" }).waitFor(),
    "book contents": ({ frame }) => unfolds(frame, "Contents"),
    "book note": async ({ frame }) => {
      await frame.getByRole("button", { name: "Setting out" }).click();
      await frame.getByRole("button", { name: "*", exact: true }).first().click();
    },
  }],
  ["Papers", "damaged.docx", { "refused": ({ tab }) => tab.preview.getByRole("alert").waitFor() }],
  ["Papers", "sealed.xlsx", { "refused locked": ({ tab }) => tab.preview.getByRole("alert").waitFor() }],
  ["Figures", "budget.xlsx", {
    "sheet": ({ frame }) => frame.getByRole("gridcell", { name: "Rope" }).first().waitFor(),
    "sheet chosen": async ({ frame, tab }) => {
      await frame.getByRole("gridcell", { name: "Lamps and oil for the north mole" }).first().click();
      for (const key of ["Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowRight"]) await tab.page.keyboard.press(key);
    },
    "sheet find": ({ frame, tab }) => finds(frame, tab, "wages"),
    "sheet empty": ({ frame }) => frame.getByRole("tab", { name: "Nothing" }).click(),
  }],
  ["Figures", "plan.ods", { "sheet ods": ({ frame }) => frame.getByRole("gridcell", { name: "1,00 €", exact: true }).waitFor() }],
  ["Figures", "people.csv", { "table": ({ frame }) => frame.getByText("Person, 7", { exact: true }).waitFor() }],
  ["Pictures", "sea.png", {
    "picture": ({ tab }) => tab.page.waitForFunction(() => document.querySelector(".viewer-picture img")?.naturalWidth === 1600),
    "picture zoomed": ({ tab }) => tab.preview.getByRole("group", { name: "sea.png" }).press("1"),
  }],
  ["Pictures", "mark.svg", { "picture svg": ({ tab }) => tab.preview.locator("iframe").last().contentFrame().getByRole("img", { name: "mark.svg" }).waitFor() }],
  ["Pictures", "film.webm", { "film": ({ tab }) => tab.page.waitForFunction(() => document.querySelector("video")?.readyState > 1) }],
  ["Pictures", "broken.png", { "refused picture": ({ tab }) => tab.preview.getByRole("alert").waitFor() }],
  ["Songs", "1 Ebb.wav", { "sound": ({ tab }) => tab.preview.getByRole("link", { name: "4 Neap.wav" }).waitFor() }],
  ["Packed", "papers.zip", {
    "archive": ({ frame }) => frame.getByRole("button", { name: "inner.zip", exact: true }).waitFor(),
    "archive folder": ({ frame }) => frame.getByRole("button", { name: "report/" }).click(),
    "archive member": async ({ frame, tab }) => {
      await frame.getByRole("button", { name: "summary.txt", exact: true }).press("Enter");
      await shown(tab).getByText("All is well.").first().waitFor();
    },
  }],
  ["Packed", "data.bin", {
    "hex": ({ frame }) => frame.getByText("00000010").first().waitFor(),
    "hex offset": async ({ frame, tab }) => {
      await frame.getByRole("textbox", { name: "Go to offset" }).fill("18000");
      await tab.page.keyboard.press("Enter");
      await frame.getByText("00018000").waitFor();
    },
  }],
  ["Packed", "watch.log", {
    "hex of a log": ({ frame }) => frame.getByText("00000010").first().waitFor(),
    "text": async ({ tab }) => {
      await tab.preview.getByRole("button", { name: "Text", exact: true }).click();
      await shown(tab).getByText("the watch changes").first().waitFor();
    },
  }],
  ["Packed", "page.html", {
    "html": ({ tab }) => tab.editor.waitFor(),
    "html drawn": async ({ tab }) => {
      tab.expectsComplaint(/inline event handler|script-src-attr/);
      await tab.page.getByRole("button", { name: "Preview" }).click();
      await tab.page.locator("iframe:visible").last().contentFrame().getByRole("heading", { name: "Tides" }).waitFor();
    },
  }],
  ["Notes", "keeper.rs", { "code": ({ tab }) => tab.reads("flashes") }],
  ["Notes", "plan.md", {
    "markdown": ({ tab }) => tab.page.getByRole("heading", { name: "The north mole" }).waitFor(),
    "markdown alone": ({ tab }) => tab.page.getByRole("button", { name: "Preview" }).click(),
  }],
  ["Notes", "empty.md", { "templates": ({ tab }) => tab.page.getByRole("button", { name: "Meeting" }).waitFor() }],
];

/** Where nothing is opened: lists, dialogs, search. */
const PLACES = {
  "list": async () => {},
  "list of pictures": async (tab) => {
    await tab.entersFolder("Pictures");
    await tab.row("film.webm").locator("img").waitFor();
  },
  "list with stars and tags": async (tab) => tab.goesTo("My files").then(() => tab.entersFolder("Papers")),
  "list selected": (tab) => tab.selects("tides.pdf"),
  "details": async (tab) => {
    const dialog = await details(tab, "minutes.docx");
    await dialog.getByRole("link", { name: "harbour" }).waitFor();
  },
  "details of a PDF": async (tab) => {
    await leaves(tab);
    const dialog = await details(tab, "tides.pdf");
    await dialog.getByText("Page size").waitFor();
  },
  "details of a picture": async (tab) => {
    await leaves(tab);
    await tab.goesTo("My files");
    await tab.entersFolder("Pictures");
    const dialog = await details(tab, "harbour.jpg");
    await dialog.getByText("Kestrel K5").waitFor();
  },
  "list with a README": async (tab) => {
    await leaves(tab);
    await tab.goesTo("My files");
    await tab.entersFolder("Notes");
    await tab.page.getByRole("region", { name: "README.md", exact: true }).getByRole("heading").waitFor();
  },
  "starred": async (tab) => {
    await tab.page.getByRole("link", { name: "Starred" }).filter({ visible: true }).click();
    await tab.page.getByRole("list", { name: "Starred" }).getByRole("link").first().waitFor();
  },
  "tagged": async (tab) => {
    await tab.page.getByRole("navigation", { name: "Tags" }).getByRole("link", { name: "harbour" }).click();
    await tab.page.getByRole("list", { name: "Tagged harbour" }).getByRole("link").first().waitFor();
  },
  "search": async (tab) => {
    await tab.opens("/");
    await tab.sees("Notes");
    await searches(tab, "mole");
  },
  "search with a tag": async (tab) => {
    await searches(tab, "tag:harbour noon");
    await tab.page.getByRole("region", { name: "Search results" }).getByRole("link", { name: "README.md" }).waitFor({ state: "detached" });
  },
  "search for nothing": async (tab) => {
    await tab.page.getByRole("searchbox", { name: "Search" }).fill("albatross");
    await tab.page.getByText("No content has all these words").waitFor();
  },
};

const shown = (tab) => tab.preview.locator("iframe").last().contentFrame();
const leaves = (tab) => tab.page.keyboard.press("Escape");

async function opens(tab, folder, name) {
  await tab.opens("/");
  await tab.entersFolder(folder);
  await tab.enters(name);
}

/** Opens what stands beside a document, unless it is open. */
async function unfolds(frame, name) {
  const button = frame.getByRole("button", { name, exact: true });
  if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
}

async function finds(frame, tab, words) {
  await tab.page.keyboard.press("Control+f");
  await frame.getByRole("searchbox").fill(words);
  await frame.getByText(/^\d+ \/ \d+/).first().waitFor();
}

async function searches(tab, words) {
  await tab.page.getByRole("searchbox", { name: "Search" }).fill(words);
  await tab.page.getByRole("region", { name: "Search results" }).getByRole("link").first().waitFor({ timeout: READ_MS });
}

async function details(tab, name) {
  await tab.selects(name);
  await tab.page.keyboard.press("Alt+Enter");
  const dialog = tab.page.getByRole("dialog", { name: "Details" });
  await dialog.getByRole("button", { name: "Show versions" }).waitFor();
  return dialog;
}

/** In a page: settles when what it shows now is on the screen. */
const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

const isWanted = (titles) => !OFFING_LOOKS || titles.some((title) => new RegExp(OFFING_LOOKS).test(title));

/** Brings a moment about, and photographs it in both themes; what does not come about is told. */
async function looks(tab, title, comesAbout) {
  const failed = await comesAbout().catch((error) => error);
  if (failed instanceof Error) console.log(`# ${tab.name}, ${title}: ${failed.message.split("\n").slice(0, 4).join(" ")}`);
  if (!isWanted([title])) return;
  for (const colorScheme of ["light", "dark"]) {
    await tab.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await tab.page.evaluate(painted);
    // One that is hidden is never painted.
    for (const frame of await tab.preview.locator("iframe:visible").all()) await frame.contentFrame().locator("body").evaluate(painted);
    await tab.photographs(`look ${title} ${colorScheme}`);
  }
  const over = await tab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (over > 0) console.log(`# ${tab.name}, ${title}: ${over} px too wide`);
}

async function walks(tab, folders) {
  tab.page.setDefaultTimeout(MOMENT_MS);
  for (const [folder, name, moments] of SCENES) {
    if (!isWanted(Object.keys(moments))) continue;
    const opened = await opens(tab, folder, name).catch((error) => error);
    if (opened instanceof Error) console.log(`# ${tab.name}, ${name} did not open: ${opened.message}`);
    const frame = shown(tab);
    for (const [title, moment] of Object.entries(moments)) await looks(tab, title, () => moment({ tab, frame }));
  }
  for (const [folder, files] of folders) {
    for (const name of files) {
      if (!isWanted([`real ${name}`])) continue;
      await opens(tab, folder, name);
      const settled = tab.preview.locator(".viewer-body:not([aria-busy]) > *").or(tab.editor).first();
      await looks(tab, `real ${name}`, () => settled.waitFor().then(() => tab.page.waitForLoadState("networkidle")));
    }
  }
  if (!isWanted(Object.keys(PLACES))) return;
  await tab.opens("/");
  await tab.sees("Papers");
  for (const [title, moment] of Object.entries(PLACES)) await looks(tab, title, () => moment(tab));
}

/** Puts files into a folder of the drive. */
async function brings(w, tab, folder, files) {
  const disk = await w.disk(files);
  await tab.opens("/");
  await tab.createsFolder(folder);
  await tab.entersFolder(folder);
  await uploads(tab, Object.keys(files).map((name) => path.join(disk, name)));
  await tab.sees(...Object.keys(files));
}

test("every viewer is there to be looked at", { timeout: Infinity }, async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop", "alice", LAPTOP);
  for (const [folder, files] of Object.entries(await things(laptop))) await brings(w, laptop, folder, files);
  const real = OFFING_CORPUS ? (await readFile(OFFING_CORPUS, "utf8")).split("\n").filter(Boolean) : [];
  const folders = [];
  while (real.length) {
    const part = real.splice(0, FOLDER_FILES);
    const folder = `Real ${folders.length + 1}`;
    const disk = await w.disk({});
    for (const from of part) await copyFile(from, path.join(disk, path.basename(from)));
    await laptop.opens("/");
    await laptop.createsFolder(folder);
    await laptop.entersFolder(folder);
    await uploads(laptop, part.map((from) => path.join(disk, path.basename(from))));
    await laptop.sees(...part.map((from) => path.basename(from)));
    folders.push([folder, part.map((from) => path.basename(from))]);
  }
  await laptop.opens("/");
  await laptop.entersFolder("Papers");
  for (const name of ["tides.pdf", "voyage.epub"]) {
    await laptop.selects(name);
    await laptop.page.keyboard.press("*");
  }
  for (const [name, ...tags] of [["minutes.docx", "harbour", "to be read by all of the board"], ["tides.pdf", "harbour"]]) {
    const dialog = await details(laptop, name);
    for (const tag of tags) {
      await dialog.getByRole("combobox", { name: "Add a tag" }).fill(tag);
      await laptop.page.keyboard.press("Enter");
      await dialog.getByRole("link", { name: tag }).waitFor();
    }
    await leaves(laptop);
  }
  await laptop.isOnServer();
  await laptop.isReadyForPreviewsOffline();
  await walks(laptop, folders);
  await laptop.end();

  const phone = await w.nextDevice("phone", "alice", PHONE);
  await phone.isReadyForPreviewsOffline();
  await walks(phone, folders);

  if (!isWanted(["company"])) return;
  const other = await w.nextDevice("other");
  for (const device of [phone, other]) await opens(device, "Notes", "plan.md");
  await other.editor.press("End");
  await looks(phone, "company", () => phone.page.getByRole("list", { name: "Also here" }).getByRole("listitem").first().waitFor());
});
