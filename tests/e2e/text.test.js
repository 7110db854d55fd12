// Text: edited, previewed, and edited in two places at once.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { picture } from "./support/picture.js";
import { downloads, uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

test("Markdown is rendered beside the editor as one types", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("readme.md");
  await laptop.edits("readme.md");
  await laptop.types("# Sea level\n\n- [x] salt\n\n| a | b |\n|---|---|\n| 1 | 2 |\n");
  await laptop.preview.getByRole("heading", { name: "Sea level" }).waitFor();
  await laptop.preview.getByRole("table").waitFor();
  await laptop.preview.getByRole("checkbox").waitFor();
  await laptop.types("\n## Tide\n");
  await laptop.preview.getByRole("heading", { name: "Tide" }).waitFor();
});

test("code in Markdown has its colours, beside its text and below a folder, and stays the text that it is", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const rust = 'fn main() { let tide = "high"; }';
  const shell = 'if true; then echo "low"; fi';
  const plain = "if nobody knows: this";
  const text = `# Tides\n\n\`\`\`rust\n${rust}\n\`\`\`\n\n\`\`\`sh\n${shell}\n\`\`\`\n\n\`\`\`unheard\n${plain}\n\`\`\`\n`;
  await laptop.createsText("README.md", text);
  const isColoured = async (region) => {
    for (const line of [rust, shell]) {
      const block = region.locator("pre").filter({ hasText: line });
      await block.locator("span").nth(1).waitFor();
      assert.equal(await block.evaluate((element) => element.textContent.trim()), line);
      const colours = (element) => new Set([element, ...element.children].map((one) => getComputedStyle(one).color)).size;
      assert.ok((await block.evaluate(colours)) > 1, line);
    }
    const unknown = region.locator("pre").filter({ hasText: plain });
    assert.equal(await unknown.locator("*").count(), 0);
  };
  await isColoured(laptop.page.getByRole("region", { name: "README.md", exact: true }));
  await laptop.edits("README.md");
  await isColoured(laptop.preview);
  await laptop.photographs("code in Markdown");
});

test("Markdown is written with keys and tools, walked by its outline, and its tasks are ticked where they are read", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("plan.md");
  await laptop.edits("plan.md");
  const { keyboard } = laptop.page;
  await laptop.types("# Harbour\n\nmind the shoal");
  await keyboard.press("Control+b");
  await laptop.reads("mind the **shoal**");
  await laptop.types("\n\npack\nsail");
  await keyboard.press("Shift+ArrowUp");
  const tools = laptop.page.getByRole("toolbar", { name: "Text tools" });
  await tools.getByRole("button", { name: "Tasks" }).click();
  await laptop.reads("- [ ] sail");
  await keyboard.press("Control+End");
  await keyboard.press("Enter");
  await keyboard.insertText("home");
  await laptop.reads("- [ ] home");
  await laptop.preview.getByRole("checkbox").nth(2).waitFor();
  await laptop.preview.getByRole("checkbox").nth(1).click();
  await laptop.reads("- [x] sail");
  await laptop.preview.getByRole("checkbox").nth(1).and(laptop.page.locator(":checked")).waitFor();
  await laptop.types("\n\n## Depths\n\n");
  await tools.getByRole("button", { name: "Table" }).click();
  await keyboard.insertText("Place");
  await keyboard.press("Tab");
  await keyboard.press("Tab");
  await keyboard.insertText("水深");
  await keyboard.press("Tab");
  await laptop.reads("| Place | Column |", "| 水深  |");
  await laptop.preview.getByRole("cell", { name: "水深" }).waitFor();
  await keyboard.press("Control+Shift+o");
  const outline = laptop.page.getByRole("listbox", { name: "Outline" });
  await outline.getByRole("option", { name: "Depths", selected: true }).waitFor();
  await laptop.photographs("tools and outline of a text");
  await outline.press("ArrowUp");
  await outline.press("Enter");
  await keyboard.press("End");
  await keyboard.insertText("s");
  await laptop.reads("# Harbours");
  await laptop.isOnServer();
});

test("pictures of a text are drawn and its links followed, what is pasted and dropped becomes a file beside it", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("trip");
  await laptop.enters("trip");
  await uploads(laptop, { name: "harbour.png", mimeType: "image/png", buffer: picture([40, 90, 160]) });
  await laptop.createsText("plan.md", "the plan");
  await laptop.createsText("notes.md");
  await laptop.edits("notes.md");
  await laptop.types("![the harbour](harbour.png) ![elsewhere](https://example.org/a.png)\n\n[the plan](plan.md)\n\n");
  const drawn = (name) => laptop.preview.getByRole("img", { name, exact: true });
  await drawn("the harbour").waitFor();
  assert.equal(await drawn("the harbour").evaluate((image) => image.naturalWidth), 320);
  assert.equal(await drawn("elsewhere").count(), 0);

  await laptop.entersAirplaneMode();
  await laptop.putsIntoText("paste", "image.png", picture([200, 60, 40], 64, 48));
  await laptop.reads("![picture-20");
  await laptop.preview.getByRole("img", { name: /^picture-20/ }).waitFor();
  await laptop.putsIntoText("drop", "harbour.png", picture([20, 160, 90], 80, 48));
  await laptop.reads("![harbour-2](harbour-2.png)");
  await drawn("harbour-2").waitFor();
  assert.equal(await drawn("harbour-2").evaluate((image) => image.naturalWidth), 80);
  const tools = laptop.page.getByRole("toolbar", { name: "Text tools" });
  const [chooser] = await Promise.all([
    laptop.page.waitForEvent("filechooser"),
    tools.getByRole("button", { name: "Picture or file" }).click(),
  ]);
  await chooser.setFiles({ name: "tide (1).csv", mimeType: "text/csv", buffer: Buffer.from("hour,level\n0,2.4\n") });
  await laptop.reads("[tide (1)](tide%20%281%29.csv)");
  await laptop.photographs("pictures in a text");
  await laptop.leavesAirplaneMode();

  await laptop.preview.getByRole("link", { name: "the plan" }).click();
  await laptop.reads("the plan");
  await laptop.leavesEditor();
  await laptop.sees("harbour.png", "harbour-2.png", "notes.md", "plan.md", "tide (1).csv");

  await laptop.renames("plan.md", "route.md");
  await laptop.edits("notes.md");
  await laptop.preview.getByRole("link", { name: "the plan" }).click();
  await laptop.reads("the plan");
});

test("an empty text begins with a template, of the app or one's own, offline too", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Templates");
  await laptop.enters("Templates");
  await laptop.createsText("Log entry.md", "# {{title}}\n\nWind: {{cursor}}\n\nEnd of entry\n");
  await laptop.createsText("Table.csv", "day,depth\n");
  await laptop.goesTo("My files");
  await laptop.createsText("Tuesday.md");
  await laptop.createsText("Friday.md");
  await laptop.entersAirplaneMode();
  const offers = laptop.page.getByRole("group", { name: "Begin with" });
  const offer = (name) => offers.getByRole("button", { name });

  await laptop.edits("Tuesday.md");
  await offer("Log entry").waitFor();
  assert.equal(await offer("Table").count(), 0);
  await laptop.photographs("an empty text with templates");
  await offer("Log entry").click();
  await laptop.reads("# Tuesday", "Wind: ", "End of entry");
  await offers.waitFor({ state: "detached" });
  await laptop.page.keyboard.insertText("west");
  await laptop.reads("Wind: west");
  await laptop.preview.getByRole("heading", { name: "Tuesday" }).waitFor();
  await laptop.leavesEditor();

  await laptop.edits("Friday.md");
  await offer("To-do list").press("Enter");
  await laptop.page.keyboard.insertText("mend the sail");
  await laptop.reads("# Friday", "- [ ] mend the sail");
  await laptop.page.keyboard.press("Control+z");
  await laptop.page.keyboard.press("Control+z");
  await offers.waitFor();
  await laptop.leavesAirplaneMode();
});

test("a folder shows its README below its list, offline too, as it is now", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("boat");
  await laptop.enters("boat");
  await uploads(laptop, { name: "sail.png", mimeType: "image/png", buffer: picture([40, 90, 160]) });
  await laptop.createsText("log.md", "the log");
  const readme = laptop.page.getByRole("region", { name: "Readme.md", exact: true });
  assert.equal(await readme.count(), 0);
  await laptop.createsText("Readme.md", "# Our boat\n\n![the sail](sail.png)\n\nAll is in [the log](log.md).\n");
  await readme.getByRole("heading", { name: "Our boat" }).waitFor();
  await readme.getByRole("img", { name: "the sail" }).waitFor();
  await laptop.photographs("a folder with a README");

  await laptop.entersAirplaneMode();
  await readme.getByRole("link", { name: "the log" }).click();
  await laptop.reads("the log");
  await laptop.leavesEditor();
  await readme.getByRole("button", { name: "Readme.md" }).click();
  await laptop.types("\n## Ropes\n");
  await laptop.leavesEditor();
  await readme.getByRole("heading", { name: "Ropes" }).waitFor();
  await laptop.renames("Readme.md", "Old.md");
  await readme.waitFor({ state: "detached" });
  await laptop.leavesAirplaneMode();
});

test("markup in Markdown is shown, never run", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("evil.md");
  await laptop.edits("evil.md");
  await laptop.types('<img src=x onerror="document.title=1">\n\n[x](javascript:alert(1)) [y](https://example.org/)\n');
  await laptop.preview.getByRole("link", { name: "y" }).waitFor();
  assert.equal(await laptop.preview.locator("img, script, iframe").count(), 0);
  assert.equal(await laptop.preview.getByRole("link", { name: "x" }).count(), 0);
  const link = laptop.preview.getByRole("link", { name: "y" });
  assert.match(await link.getAttribute("rel"), /noopener/);
  await laptop.preview.getByText("onerror").waitFor();
});

test("the first Markdown that is opened renders with the server killed, after a reload", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "chart.md": "# Soundings\n\n> [!TIP]\n> mind the *shoal*\n" });
  await uploads(laptop, [path.join(disk, "chart.md")]);
  await laptop.sees("chart.md");
  await laptop.isOnServer();
  await laptop.isReadyForOffline();
  laptop.serverMayBeGone();
  await w.server.kill();
  await laptop.reloads();
  await laptop.edits("chart.md");
  await laptop.preview.getByRole("heading", { name: "Soundings" }).waitFor();
  await laptop.preview.getByRole("emphasis").filter({ hasText: /^shoal$/ }).waitFor();
  await laptop.types("\n## Depth\n");
  await laptop.preview.getByRole("heading", { name: "Depth" }).waitFor();
});

test("a renderer that does not load is told, the editor goes on, and the next text tries again", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/markdown-gone|warning:/);
  const real = await laptop.page.evaluate(() => {
    const { dataset } = document.documentElement;
    const address = dataset.markdown;
    dataset.markdown = "/assets/markdown-gone.js";
    return address;
  });
  await laptop.createsText("log.md");
  await laptop.edits("log.md");
  await laptop.types("# Wind\n");
  await laptop.preview.getByRole("alert").filter({ hasText: "cannot be shown" }).waitFor();
  await laptop.isOnServer();
  await laptop.page.evaluate((address) => (document.documentElement.dataset.markdown = address), real);
  await laptop.types("north-west\n");
  await laptop.reads("# Wind", "north-west");
  await laptop.preview.getByRole("heading", { name: "Wind" }).waitFor();
  assert.equal(await laptop.preview.getByRole("alert").count(), 0);
});

test("an edit leaves the rest of a rendered document alone", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("long.md", "# First\n\nmiddle\n\n# Last\n");
  await laptop.edits("long.md");
  await laptop.preview.getByRole("heading", { name: "Last" }).waitFor();
  await laptop.preview.locator("h1").evaluateAll((all) => all.forEach((one) => (one.dataset.mark = "kept")));
  await laptop.typesAtStart("before\n\n");
  await laptop.preview.getByText("before").waitFor();
  await laptop.types("\nafter\n");
  await laptop.preview.getByText("after").waitFor();
  assert.equal(await laptop.preview.locator("h1[data-mark=kept]").count(), 2);
  const texts = await laptop.preview.locator(":scope > div > *").allInnerTexts();
  assert.deepEqual(texts, ["before", "First", "middle", "Last", "after"]);
});

test("a long text is rendered in its order, however it is edited", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const lines = Array.from({ length: 200 }, (_, line) => `line ${line}`);
  await laptop.createsText("long.md", `${lines.join("\n\n")}\n`);
  await laptop.edits("long.md");
  const reads = async (wanted) => {
    await laptop.preview.getByText(wanted.at(-1), { exact: true }).waitFor();
    await laptop.preview.getByText(wanted[0], { exact: true }).waitFor();
    assert.deepEqual(await laptop.preview.locator(":scope > div > *").evaluateAll((all) => all.map((one) => one.textContent)), wanted);
  };
  await reads(lines);
  const more = Array.from({ length: 70 }, (_, line) => `more ${line}`);
  await laptop.typesAtStart(`${more.join("\n\n")}\n\n`);
  await laptop.types("\n\nthe end\n");
  await reads([...more, ...lines, "the end"]);
});

test("what was typed survives a reload and a tab that is closed at once", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("draft.txt", "first ");
  await laptop.edits("draft.txt");
  await laptop.types("second ");
  await laptop.isOnServer();
  await laptop.reloads();
  await laptop.reads("first second");
  await laptop.types("third");
  await laptop.isOnServer();
  const address = new URL(laptop.page.url()).pathname;
  await laptop.closesAllTabs();
  await laptop.comesBack(address);
  await laptop.reads("first second third");
});

test("what was typed while the engine was slow is kept when the editor is left at once", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("notes.txt", "start ");
  await laptop.edits("notes.txt");
  await laptop.hearsItsEngineLate(500);
  await laptop.types("pushed at once, ");
  await laptop.types("waiting for that");
  await laptop.leavesEditor();
  await laptop.isOnServer();
  await laptop.reloads();
  await laptop.edits("notes.txt");
  await laptop.reads("start pushed at once, waiting for that");
});

test("two tabs of one browser edit one file and read the same", async (t) => {
  const w = await world(t);
  const left = await w.firstDevice("laptop");
  await left.createsText("shared.txt", "middle");
  await left.edits("shared.txt");
  const right = await left.newTab();
  await right.opens(new URL(left.page.url()).pathname);
  await right.reads("middle");
  await right.types(" right");
  await left.reads("middle right");
  await left.typesAtStart("left ");
  await right.reads("left middle right");
  await Promise.all([left.types(" one"), right.typesAtStart("two ")]);
  await left.reads("two left middle right one");
  await right.reads("two left middle right one");
  assert.equal(await left.editor.innerText(), await right.editor.innerText());
});

test("two devices edit one text live", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("live.md", "start");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.edits("live.md");
  await laptop.edits("live.md");
  await phone.types(" phone");
  await laptop.reads("start phone");
  await laptop.typesAtStart("laptop ");
  await phone.reads("laptop start phone");
});

test("edits that two devices made offline are both there on both", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("plan.md", "the middle line");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.edits("plan.md");
  await phone.reads("the middle line");
  await laptop.edits("plan.md");
  await laptop.entersAirplaneMode();
  await phone.entersAirplaneMode();
  await laptop.typesAtStart("from the laptop. ");
  await phone.types(" from the phone.");
  await laptop.leavesAirplaneMode();
  await phone.leavesAirplaneMode();
  for (const device of [laptop, phone]) {
    await device.reads("from the laptop. the middle line from the phone.");
    await device.isOnServer();
  }
});

test("what another device typed is shown in the text, and taken back without touching the rest", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("plan.md", "the middle line");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.edits("plan.md");
  await laptop.edits("plan.md");
  await phone.types(" and the phone");
  await laptop.reads("the middle line and the phone");
  await laptop.isTold(/edits? merged from/);
  await laptop.typesAtStart("mine: ");
  await phone.reads("mine: the middle line and the phone");
  await laptop.page.getByRole("button", { name: "Show", exact: true }).click();
  assert.equal(await laptop.editor.getByRole("insertion").innerText(), " and the phone");
  await laptop.photographs("what was merged");
  await laptop.undoes();
  for (const device of [laptop, phone]) {
    await device.editor.filter({ hasText: /^mine: the middle line$/ }).waitFor();
    await device.isOnServer();
  }
  await phone.isTold(/edits? merged from/);
});

test("a file with the line ends of another system keeps them when it is edited", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "config.ini": "[one]\r\nkey=1\r\n" });
  await uploads(laptop, [path.join(disk, "config.ini")]);
  await laptop.sees("config.ini");
  await laptop.edits("config.ini");
  await laptop.typesAtStart("; written here\n");
  await laptop.isOnServer();
  await laptop.leavesEditor();
  const { bytes } = await downloads(laptop, "config.ini");
  assert.equal(bytes.toString(), "; written here\r\n[one]\r\nkey=1\r\n");
});

test("characters of all scripts come back as they were", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const text = "naïve 文件 👩‍🚀 e\u0301 שלום\tend";
  await laptop.createsText("scripts.txt", text);
  await laptop.reloads();
  assert.equal(await laptop.textOf("scripts.txt"), text);
});

test("code is numbered, its brackets are matched and its blocks folded, and words are replaced at many places at once", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const { keyboard } = laptop.page;
  const code = ["function depth(tide) {", "  return tide + 2;", "}", "", "const here = depth(tide);", `// ${"a line that is longer than any window is wide ".repeat(9)}`];
  await laptop.createsText("sum.js");
  await laptop.edits("sum.js");
  await laptop.types(code.join("\n"));
  const numbers = laptop.page.locator(".cm-lineNumbers .cm-gutterElement:visible");
  await numbers.filter({ hasText: /^6$/ }).waitFor();
  assert.deepEqual(await numbers.allTextContents(), ["1", "2", "3", "4", "5", "6"]);

  await keyboard.press("Control+Home");
  await keyboard.press("End");
  const matched = laptop.editor.locator(".cm-matchingBracket");
  await matched.nth(1).waitFor();
  assert.deepEqual(await matched.allTextContents(), ["{", "}"]);

  await laptop.page.getByTitle("Fold line", { exact: true }).click();
  await laptop.editor.getByLabel("folded code").waitFor();
  await laptop.editor.getByText("return tide").waitFor({ state: "detached" });
  await laptop.editor.getByLabel("folded code").click();
  await laptop.reads("return tide + 2;");

  // Lines wrap until they are told not to, and so they stay in the next text.
  const tool = laptop.page.getByRole("toolbar", { name: "Text tools" }).getByRole("button", { name: "Wrap lines" });
  const isWide = () => laptop.editor.evaluate(({ scrollWidth, parentElement }) => scrollWidth > parentElement.clientWidth);
  assert.equal(await isWide(), false);
  await tool.click();
  assert.equal(await isWide(), true);
  assert.equal(await tool.getAttribute("aria-pressed"), "false");
  await laptop.leavesEditor();
  await laptop.edits("sum.js");
  assert.equal(await isWide(), true);
  await tool.click();

  // A cursor at each of the next ones that are alike, and one below another.
  await keyboard.press("Control+Home");
  for (const _ of "function depth(") await keyboard.press("ArrowRight");
  for (const _ of ["here", "below", "and there"]) await keyboard.press("Control+d");
  await keyboard.insertText("ebb");
  await laptop.reads("function depth(ebb) {", "return ebb + 2;", "const here = depth(ebb);");
  await keyboard.press("Escape");
  await keyboard.press("Control+Home");
  await keyboard.press("Control+Alt+ArrowDown");
  await keyboard.insertText("!");
  await laptop.reads("!function", "!  return");
  await keyboard.press("Control+z");

  await keyboard.press("Control+f");
  const panel = laptop.page.locator(".cm-search");
  await panel.getByRole("textbox", { name: "Find" }).fill("ebb");
  await panel.getByRole("textbox", { name: "Replace" }).fill("flood");
  await panel.getByRole("button", { name: "replace", exact: true }).click();
  await panel.getByRole("button", { name: "replace all" }).click();
  await keyboard.press("Escape");
  await laptop.reads("function depth(flood) {", "return flood + 2;", "const here = depth(flood);");
  await laptop.isOnServer();
  await laptop.reloads();
  await laptop.reads("function depth(flood) {", "return flood + 2;", "const here = depth(flood);");
});
