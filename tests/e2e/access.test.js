// For everybody: by keyboard alone, on a phone's width, in the dark.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";

test("a folder is made, opened, filled, renamed and deleted by keyboard alone", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const { keyboard } = laptop.page;
  const tabsTo = async (locator) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if (await locator.evaluate((element) => element === document.activeElement || element.contains(document.activeElement))) return;
      await keyboard.press("Tab");
    }
    assert.fail("the Tab key does not get there");
  };
  // What was made or renamed takes the focus; keys that come before it would go elsewhere.
  const hasFocus = (name) => laptop.page.waitForFunction((made) => document.activeElement?.getAttribute("aria-label") === made, name);
  const button = (name) => laptop.page.getByRole("button", { name, exact: true });
  for (const name of ["Alpha", "Beta", "Gamma"]) {
    await tabsTo(button("New folder"));
    await keyboard.press("Enter");
    await laptop.page.getByRole("dialog").getByRole("textbox", { name: "Name" }).waitFor();
    await keyboard.type(name);
    await keyboard.press("Enter");
    await laptop.sees(name);
    await hasFocus(name);
  }
  await tabsTo(laptop.grid);
  await keyboard.press("Home");
  await keyboard.type("ga");
  await keyboard.press("F2");
  await laptop.page.getByRole("dialog").getByRole("textbox", { name: "Name" }).waitFor();
  await keyboard.press("Control+a");
  await keyboard.type("Delta");
  await keyboard.press("Enter");
  await laptop.sees("Delta");
  await hasFocus("Delta");
  await keyboard.press("Home");
  await keyboard.press("Shift+ArrowDown");
  await keyboard.press("Delete");
  await laptop.doesNotSee("Alpha", "Beta");
  await keyboard.press("Home");
  await keyboard.press("Enter");
  await laptop.crumb("Delta").waitFor();
  await keyboard.press("Alt+ArrowUp");
  await laptop.sees("Delta");
  await keyboard.press("?");
  await laptop.page.getByRole("dialog").waitFor();
  await keyboard.press("Escape");
  await laptop.page.getByRole("dialog").waitFor({ state: "hidden" });
  await keyboard.press("/");
  await laptop.page.waitForFunction(() => document.activeElement?.matches('[type="search"], [role="searchbox"]'));
});

test("the list is a grid with names, counts and column headers", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Only");
  for (const header of ["Name", "Size", "Modified"]) {
    await laptop.grid.getByRole("columnheader", { name: header }).waitFor();
  }
  assert.ok(Number(await laptop.grid.getAttribute("aria-rowcount")) >= 1);
  assert.ok(Number(await laptop.row("Only").getAttribute("aria-rowindex")) >= 1);
});

const LOOKS = [
  { width: 1280, height: 800, dark: false },
  { width: 1280, height: 800, dark: true },
  { width: 360, height: 740, dark: false, touch: true },
  { width: 360, height: 740, dark: true, touch: true },
];

for (const look of LOOKS) {
  const title = `${look.width} px ${look.dark ? "dark" : "light"}`;
  test(`every main screen fits ${title}`, async (t) => {
    const w = await world(t);
    const device = await w.device("device", look);
    const fits = async (screen) => {
      const [content, window] = await device.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      await device.photographs(`${screen} ${title}`);
      assert.ok(content <= window, `${screen} is ${content} px wide`);
    };
    await device.opens(await w.server.firstInvite());
    await device.page.getByRole("button", { name: "Create account" }).waitFor();
    await fits("sign-up");
    await device.fillsSignUp("alice", "a long and quiet evening");
    await device.page.getByRole("dialog", { name: "Recovery kit" }).waitFor();
    await fits("recovery kit");
    await device.takesKit();
    await device.sees();
    await fits("empty list");

    const disk = await w.disk({
      "A name that is long enough to need an ellipsis on a small telephone screen.txt": "text",
      "holiday.jpg": noise(50_000, 41),
      "readme.md": "# Heading\n\nSome *text* with a [link](https://example.org/).\n\n- one\n- two\n",
    });
    const names = ["A name that is long enough to need an ellipsis on a small telephone screen.txt", "holiday.jpg", "readme.md"];
    await uploads(device, names.map((name) => path.join(disk, name)));
    await device.sees(...names);
    await device.isOnServer();
    await fits("list");
    await device.row("readme.md").click();
    await fits("row selected");
    await device.presses("Rewind…");
    const rewind = device.page.getByRole("dialog", { name: "Rewind the folder" });
    await rewind.getByText("goes to the trash").first().waitFor();
    await fits("rewinding");
    await rewind.getByRole("button", { name: "Close" }).click();
    await device.opens("/trash");
    await device.grid.waitFor();
    await fits("trash");
    await device.opens("/settings");
    await device.page.getByRole("button", { name: "Sign out" }).first().waitFor();
    await fits("settings");
    await device.opens("/");
    await device.sees("readme.md");
    await device.edits("readme.md");
    await device.reads("Heading");
    await fits("editor");
  });
}
