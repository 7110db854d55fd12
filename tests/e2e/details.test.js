// What files and folders say of themselves, offline, by menu and by keys.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

/** What the dialog says under a name. */
async function fact(dialog, name) {
  return dialog.locator(`dt:text-is("${name}") + dd`).textContent();
}

test("a folder tells all that is below it and where it is, offline", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Trips");
  await laptop.entersFolder("Trips");
  await laptop.createsFolder("Lisbon");
  await laptop.entersFolder("Lisbon");
  const disk = await w.disk({ "a.bin": "x".repeat(1500), "b.bin": "y".repeat(500) });
  await uploads(laptop, ["a.bin", "b.bin"].map((name) => path.join(disk, name)));
  await laptop.sees("a.bin", "b.bin");
  await laptop.goesTo("My files");
  await laptop.isReadyForOffline();
  await laptop.entersAirplaneMode();
  await laptop.reloads();
  await laptop.sees("Trips");

  await laptop.row("Trips").click({ button: "right" });
  await laptop.page.getByRole("menuitem", { name: "Details" }).click();
  const dialog = laptop.page.getByRole("dialog", { name: "Details" });
  await dialog.getByText("2 files and 1 folder").waitFor();
  assert.match(await fact(dialog, "Size"), /^2 kB \(2,000 bytes\)$/);
  assert.equal(await fact(dialog, "Kind"), "Folder");
  await laptop.photographs("details of a folder");
  await laptop.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await laptop.page.locator("[role=row]:focus").waitFor();
  await laptop.leavesAirplaneMode();
});

test("a file tells its place and its versions, and the keyboard goes there and back", async (t) => {
  const w = await world(t);
  const phone = await w.firstDevice("phone", "alice", { width: 360, height: 740, dark: true });
  await phone.createsFolder("Notes");
  await phone.entersFolder("Notes");
  const disk = await w.disk({ "a.bin": "\u0000\u0001".repeat(10) });
  await uploads(phone, [path.join(disk, "a.bin")]);
  await phone.sees("a.bin");
  await phone.isOnServer();
  await phone.selects("a.bin");
  await phone.page.keyboard.press("Alt+Enter");
  const dialog = phone.page.getByRole("dialog", { name: "Details" });
  await dialog.getByRole("button", { name: "Show versions" }).waitFor();
  assert.equal(await fact(dialog, "Saved"), "On server");
  assert.equal(await fact(dialog, "On this device"), "Yes");
  assert.equal(await fact(dialog, "Size"), "20 B");
  await phone.photographs("details of a file");
  await phone.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });

  await phone.page.keyboard.press("Alt+Enter");
  await dialog.getByRole("button", { name: "Show versions" }).click();
  await phone.page.getByRole("dialog", { name: "Versions" }).waitFor();
  await phone.page.keyboard.press("Escape");

  await phone.enters("a.bin");
  await phone.page.getByRole("group", { name: "Show as" }).waitFor();
  await phone.page.keyboard.press("Alt+Enter");
  await dialog.getByRole("navigation", { name: "Where" }).getByRole("link", { name: "Notes" }).click();
  await dialog.waitFor({ state: "hidden" });
  await phone.sees("a.bin");
});
