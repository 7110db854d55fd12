// What files were before: looked at, brought back; two versions; what came back by itself.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { picture } from "./support/picture.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const LINES = Array.from({ length: 12 }, (_, line) => `line ${line + 1}`).join("\n");

async function opensVersions(tab, name) {
  await tab.row(name).click({ button: "right" });
  await tab.page.getByRole("menuitem", { name: "Versions…" }).click();
  const dialog = tab.page.getByRole("dialog", { name: "Versions" });
  await dialog.getByRole("list", { name: "Versions" }).waitFor();
  return dialog;
}

/** Uploads a file over the one that has its name. */
async function replaces(w, device, name, content) {
  const disk = await w.disk({ [name]: content });
  await uploads(device, [path.join(disk, name)]);
  await device.presses("Replace");
  // Else the other device's may come first, and this one takes the place of what it has seen.
  await device.row(name).filter({ hasText: `${content.length} B` }).waitFor();
}

/** Waits until a picture was drawn; tells its width. */
async function drawn(image) {
  await image.waitFor();
  return image.evaluate(async (element) => {
    await element.decode();
    return element.naturalWidth;
  });
}

test("a text is looked at as it was and brought back with the server killed, and Undo takes that back", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("plan.txt", `${LINES}\nthe end`);
  await laptop.isOnServer();
  await laptop.edits("plan.txt");
  await laptop.typesAtStart("A wrong turn.\n");
  await laptop.isOnServer();
  laptop.serverMayBeGone();
  await w.server.kill();
  await laptop.page.getByRole("button", { name: "Versions…" }).click();
  const dialog = laptop.page.getByRole("dialog", { name: "Versions" });
  const times = dialog.getByRole("list", { name: "Versions" }).getByRole("button");
  await times.nth(1).waitFor();
  assert.equal(await times.nth(1).getAttribute("aria-pressed"), "true");
  const difference = dialog.getByRole("textbox", { name: "Difference" });
  await difference.filter({ hasText: "A wrong turn." }).waitFor();
  await difference.filter({ hasText: "unchanged lines" }).waitFor();
  await laptop.photographs("versions of a text");
  await dialog.getByRole("button", { name: "Restore" }).click();
  await dialog.waitFor({ state: "hidden" });
  await laptop.editor.filter({ hasNotText: "A wrong turn." }).filter({ hasText: "the end" }).waitFor();
  await laptop.undoes();
  await laptop.reads("A wrong turn.", "the end");
});

test("an earlier picture is drawn and given to the file again, on another device too", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const earlier = picture([20, 90, 140], 300);
  const disk = await w.disk({ "sea.png": earlier });
  await uploads(laptop, [path.join(disk, "sea.png")]);
  await laptop.sees("sea.png");
  await laptop.isOnServer();
  await replaces(w, laptop, "sea.png", picture([200, 120, 40], 400));
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone", "alice", { width: 360, height: 740, touch: true });
  await phone.sees("sea.png");
  const dialog = await opensVersions(phone, "sea.png");
  const image = dialog.getByRole("img", { name: "sea.png" });
  assert.equal(await drawn(image), 300);
  await phone.photographs("versions of a picture");
  await dialog.getByRole("button", { name: "Restore" }).click();
  await phone.isOnServer();
  // The dialog lists what there is when it opens.
  await laptop.row("sea.png").filter({ hasText: `${earlier.length} B` }).waitFor();
  const again = await opensVersions(laptop, "sea.png");
  const times = again.getByRole("list", { name: "Versions" }).getByRole("button");
  await times.nth(2).waitFor();
  await times.first().click();
  assert.equal(await drawn(again.getByRole("img", { name: "sea.png" })), 300);
});

test("two versions of a picture are drawn side by side, with the path to the file", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Trip");
  await laptop.entersFolder("Trip");
  const disk = await w.disk({ "sea.png": picture([90, 90, 90]) });
  await uploads(laptop, [path.join(disk, "sea.png")]);
  await laptop.sees("sea.png");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone", "alice", { dark: true });
  await phone.entersFolder("Trip");
  await phone.sees("sea.png");
  for (const device of [laptop, phone]) await device.entersAirplaneMode();
  await replaces(w, laptop, "sea.png", picture([20, 90, 140], 300));
  await replaces(w, phone, "sea.png", picture([200, 120, 40], 400));
  for (const device of [laptop, phone]) await device.leavesAirplaneMode();
  await phone.row("sea.png").filter({ hasText: "Two versions" }).waitFor();
  await phone.enters("sea.png");
  const dialog = phone.page.getByRole("dialog", { name: "Two versions" });
  await dialog.getByText("My files / Trip").waitFor();
  const images = dialog.getByRole("img", { name: "sea.png" });
  // Each is drawn when it was read; before both are there, the first of them may be either.
  await images.nth(1).waitFor();
  const widths = [await drawn(images.first()), await drawn(images.nth(1))];
  assert.deepEqual(widths.sort(), [300, 400]);
  await phone.photographs("two versions of a picture");
});

test("two versions of a text tell how they differ, and both are kept", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "plan.txt": LINES });
  await uploads(laptop, [path.join(disk, "plan.txt")]);
  await laptop.sees("plan.txt");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone", "alice", { width: 360, height: 740, touch: true, dark: true });
  await phone.sees("plan.txt");
  for (const device of [laptop, phone]) await device.entersAirplaneMode();
  await replaces(w, laptop, "plan.txt", `on the laptop\n${LINES}`);
  await replaces(w, phone, "plan.txt", `on the phone\n${LINES}`);
  for (const device of [laptop, phone]) await device.leavesAirplaneMode();
  for (const device of [laptop, phone]) {
    await device.row("plan.txt").filter({ hasText: "Two versions" }).waitFor();
    await device.row("plan.txt").dblclick();
    const dialog = device.page.getByRole("dialog", { name: "Two versions" });
    const difference = dialog.getByRole("textbox", { name: "Difference" });
    await difference.filter({ hasText: "on the laptop" }).filter({ hasText: "on the phone" }).waitFor();
    await device.photographs("two versions of a text");
  }
  const dialog = laptop.page.getByRole("dialog", { name: "Two versions" });
  await dialog.getByRole("button", { name: "Keep both" }).click();
  await laptop.listsExactly("plan.txt", "plan (2).txt");
});

test("a file that was deleted while another device edited it comes back, and that is said", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("plan.txt", "the plan");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.edits("plan.txt");
  await phone.reads("the plan");
  for (const device of [laptop, phone]) await device.entersAirplaneMode();
  await phone.types(", better");
  await laptop.deletes("plan.txt");
  await laptop.opensTrash();
  await laptop.sees("plan.txt");
  await laptop.grid.getByRole("columnheader", { name: "Kept until" }).waitFor();
  await laptop.page.getByText("What you delete stays here for 30 days").waitFor();
  await laptop.photographs("trash");
  await phone.leavesAirplaneMode();
  await phone.isOnServer();
  await laptop.leavesAirplaneMode();
  await laptop.isTold(/“plan.txt” was deleted and came back because/);
  await laptop.doesNotSee("plan.txt");
  await laptop.opens("/");
  await laptop.edits("plan.txt");
  await laptop.reads("the plan, better");
});

test("a folder is rewound to a moment with the server killed, and Undo takes that back", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Trip");
  await laptop.entersFolder("Trip");
  await laptop.createsText("plan.txt", "by boat");
  await laptop.createsFolder("Photos");
  await laptop.isOnServer();
  laptop.serverMayBeGone();
  await w.server.kill();
  await laptop.moves("plan.txt", "My files");
  await laptop.renames("Photos", "Pictures");
  await laptop.presses("Rewind…");
  const dialog = laptop.page.getByRole("dialog", { name: "Rewind the folder" });
  // All of it was a minute's work, so the one moment is that before there was anything.
  const moments = dialog.getByRole("list", { name: "Moments" }).getByRole("button");
  await moments.first().waitFor();
  assert.equal(await moments.count(), 1);
  await dialog.getByText("Pictures goes to the trash").waitFor();
  await laptop.photographs("rewinding a folder");
  await dialog.getByRole("button", { name: "Rewind", exact: true }).click();
  await laptop.doesNotSee("Pictures");
  await laptop.undoes();
  await laptop.sees("Pictures");
});
