// Folders and files: made, renamed, moved, copied, deleted, taken back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { world } from "./support/world.js";

test("folders and text files are made, renamed, moved and found again after a reload", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Projects");
  await laptop.createsFolder("Archive");
  await laptop.createsText("notes.md", "# Notes");

  await laptop.renames("notes.md", "Ideas – Sommer 2026.md");
  await laptop.doesNotSee("notes.md");
  await laptop.moves("Ideas – Sommer 2026.md", "Projects");
  await laptop.drags("Projects", "Archive");
  await laptop.listsExactly("Archive");

  await laptop.entersFolder("Archive");
  await laptop.entersFolder("Projects");
  await laptop.sees("Ideas – Sommer 2026.md");
  await laptop.reloads();
  await laptop.sees("Ideas – Sommer 2026.md");
  await laptop.crumb("Archive").waitFor();
  assert.equal(await laptop.textOf("Ideas – Sommer 2026.md"), "# Notes");
  await laptop.isOnServer();
});

test("a deletion is taken back by Undo, or from the trash", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Photos");
  await laptop.createsText("poem.txt", "roses are red");

  await laptop.deletes("poem.txt");
  await laptop.undoes();
  await laptop.sees("poem.txt");
  assert.equal(await laptop.textOf("poem.txt"), "roses are red");

  await laptop.deletes("Photos", "poem.txt");
  await laptop.opensTrash();
  await laptop.sees("Photos", "poem.txt");
  await laptop.restores("poem.txt");
  await laptop.opens("/");
  await laptop.sees("poem.txt");
  await laptop.doesNotSee("Photos");
});

test("what is deleted for good offline is told before, and gone on the other device too", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Old");
  await laptop.createsText("poem.txt", "roses are red");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.sees("Old", "poem.txt");
  await laptop.entersAirplaneMode();
  await laptop.deletes("Old", "poem.txt");
  await laptop.opensTrash();

  await laptop.selects("poem.txt");
  await laptop.presses("Delete for good…");
  const question = laptop.page.getByRole("dialog", { name: "Delete for good" });
  await question.getByText(/^1 item \(13 .* cannot be undone/).waitFor();
  await question.getByRole("button", { name: "Cancel" }).click();
  await laptop.sees("Old", "poem.txt");

  await laptop.presses("Empty trash…");
  await question.getByText(/^2 items/).waitFor();
  await question.getByRole("button", { name: "Delete for good" }).click();
  await laptop.doesNotSee("Old", "poem.txt");
  await laptop.leavesAirplaneMode();
  await laptop.isOnServer();
  await phone.doesNotSee("Old", "poem.txt");
  await phone.opensTrash();
  await phone.doesNotSee("Old", "poem.txt");
});

test("a rename and a move are taken back by Undo", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Home");
  await laptop.createsFolder("Letters");
  await laptop.renames("Letters", "Post");
  await laptop.undoes();
  await laptop.sees("Letters");
  await laptop.drags("Letters", "Home");
  await laptop.undoes();
  await laptop.sees("Letters", "Home");
});

test("a copy is a file of its own", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Copies");
  await laptop.createsText("recipe.md", "flour");
  await laptop.selects("recipe.md");
  await laptop.page.keyboard.press("Control+c");
  await laptop.entersFolder("Copies");
  await laptop.grid.focus();
  await laptop.page.keyboard.press("Control+v");
  await laptop.sees("recipe.md");
  await laptop.edits("recipe.md");
  await laptop.types(" and water");
  await laptop.leavesEditor();
  await laptop.goesTo("My files");
  assert.equal(await laptop.textOf("recipe.md"), "flour");
  await laptop.entersFolder("Copies");
  assert.equal(await laptop.textOf("recipe.md"), "flour and water");
});

test("names that no system holds are refused and named, and nothing is made", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  for (const name of ["", "..", "a/b", "x".repeat(256), "bell\u0007"]) {
    await laptop.presses("New folder");
    const dialog = laptop.page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Name" }).fill(name);
    const create = dialog.getByRole("button", { name: "Create", exact: true });
    if (await create.isEnabled()) {
      await create.click();
      await laptop.alert.waitFor();
    }
    await laptop.page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  }
  await laptop.listsExactly();
});

test("a folder does not go into itself", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Box");
  await laptop.entersFolder("Box");
  await laptop.createsFolder("Inner");
  await laptop.goesTo("My files");
  await laptop.selects("Box");
  await laptop.page.keyboard.press("Control+x");
  await laptop.entersFolder("Box");
  await laptop.entersFolder("Inner");
  await laptop.grid.focus();
  await laptop.page.keyboard.press("Control+v");
  await laptop.isTold(/itself|below/i);
  await laptop.goesTo("My files");
  await laptop.sees("Box");
});

test("two names that are the same are both kept and told apart", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const phone = await w.nextDevice("phone");
  await laptop.isOnServer();
  await phone.entersAirplaneMode();
  await laptop.createsText("list.txt", "from the laptop");
  await phone.createsText("list.txt", "from the phone");
  await laptop.isOnServer();
  await phone.leavesAirplaneMode();
  await phone.isOnServer();
  for (const device of [laptop, phone]) {
    await device.grid.getByRole("row").nth(2).waitFor();
    const names = await device.names();
    assert.equal(names.length, 2);
    assert.notEqual(names[0], names[1]);
  }
  assert.deepEqual(await laptop.names(), await phone.names());
});

test("a name that Windows cannot hold is allowed, and the dialog says what it means", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.presses("New folder");
  const dialog = laptop.page.getByRole("dialog", { name: "New folder" });
  const name = dialog.getByRole("textbox", { name: "Name" });
  for (const [typed, hint] of [
    ["What now?", "Windows has no “?” in names."],
    ["etc.", "Windows drops a dot or space"],
    ["aux", "Windows takes this name for a device."],
  ]) {
    await name.fill(typed);
    await dialog.getByRole("status").filter({ hasText: hint }).waitFor();
  }
  await name.fill("What now?");
  await laptop.photographs("a name that Windows cannot hold");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await laptop.sees("What now?");
});
