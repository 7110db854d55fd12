// Stars and tags: put on in lists and details, found by pages and by search, offline, on all devices.

import assert from "node:assert/strict";
import { test } from "node:test";

import { world } from "./support/world.js";

const detailsOf = async (device, name) => {
  await device.selects(name);
  await device.page.keyboard.press("Alt+Enter");
  return device.page.getByRole("dialog", { name: "Details" });
};

/** Adds a tag in the open details. */
async function tags(dialog, tag) {
  const input = dialog.getByRole("combobox", { name: "Add a tag" });
  await input.fill(tag);
  await input.press("Enter");
}

const links = (device, list) => device.page.getByRole("list", { name: list }).getByRole("link");

test("a star and a tag go on offline, by key and by dialog, and lead to what has them", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Trips");
  await laptop.entersFolder("Trips");
  await laptop.createsText("plan.md", "by the sea in June");
  await laptop.createsText("log.md", "noon by the sea");
  await laptop.isReadyForOffline();
  await laptop.entersAirplaneMode();
  await laptop.reloads();
  await laptop.sees("plan.md", "log.md");

  await laptop.row("plan.md").getByRole("button", { name: "Star plan.md", exact: true }).waitFor({ state: "attached" });
  await laptop.selects("plan.md");
  await laptop.page.keyboard.press("*");
  const star = laptop.row("plan.md").getByRole("button", { name: "Unstar plan.md", exact: true });
  await star.waitFor();
  assert.equal(await star.getAttribute("aria-pressed"), "true");
  await laptop.row("log.md").hover();
  await laptop.row("log.md").getByRole("button", { name: "Star log.md", exact: true }).click();
  await laptop.row("log.md").getByRole("button", { name: "Unstar log.md", exact: true }).click();
  await laptop.row("log.md").getByRole("button", { name: "Star log.md", exact: true }).waitFor();

  const dialog = await detailsOf(laptop, "log.md");
  await tags(dialog, "  summer   holiday ");
  await dialog.getByRole("link", { name: "summer holiday" }).waitFor();
  await tags(dialog, 'not "this"');
  await dialog.getByRole("alert").filter({ hasText: "has a quotation mark" }).waitFor();
  await laptop.photographs("details with a tag");
  await laptop.page.keyboard.press("Escape");
  await laptop.row("log.md").getByRole("link", { name: "summer holiday" }).waitFor();
  await laptop.photographs("a list with a star and a tag");

  await laptop.page.getByRole("link", { name: "Starred" }).first().click();
  await laptop.page.getByRole("heading", { name: "Starred" }).waitFor();
  await links(laptop, "Starred").filter({ hasText: "plan.md" }).filter({ hasText: "My files / Trips" }).waitFor();
  assert.equal(await links(laptop, "Starred").count(), 1);
  await laptop.photographs("what is starred");
  await laptop.page.getByRole("navigation", { name: "Tags" }).getByRole("link", { name: "summer holiday" }).click();
  await links(laptop, "Tagged summer holiday").filter({ hasText: "log.md" }).waitFor();
  await laptop.reloads();
  await links(laptop, "Tagged summer holiday").filter({ hasText: "log.md" }).waitFor();
  await laptop.page.getByRole("button", { name: "Remove tag summer holiday: log.md" }).click();
  await laptop.page.getByText("Nothing has the tag summer holiday.").waitFor();
  await laptop.leavesAirplaneMode();
});

test("labels that two devices put on apart add up, and both see them without a reload", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("plan.md", "June");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone", "alice", { width: 360, height: 740, dark: true });
  await phone.sees("plan.md");
  await phone.isOnServer();
  await phone.entersAirplaneMode();
  const onPhone = await detailsOf(phone, "plan.md");
  await onPhone.getByRole("button", { name: "Star plan.md", exact: true }).click();
  await tags(onPhone, "Boat");
  await onPhone.getByRole("link", { name: "Boat" }).waitFor();
  await phone.photographs("details with a star and a tag");
  const onLaptop = await detailsOf(laptop, "plan.md");
  await tags(onLaptop, "sea");
  await onLaptop.getByRole("link", { name: "sea" }).waitFor();
  await laptop.page.keyboard.press("Escape");
  await laptop.isOnServer();
  await phone.leavesAirplaneMode();
  for (const tag of ["Boat", "sea"]) {
    await onPhone.getByRole("link", { name: tag }).waitFor();
    await laptop.row("plan.md").getByRole("link", { name: tag }).waitFor();
  }
  await laptop.row("plan.md").getByRole("button", { name: "Unstar plan.md", exact: true }).waitFor();
  await phone.page.keyboard.press("Escape");
  await phone.page.getByRole("link", { name: "Starred" }).last().click();
  await links(phone, "Starred").filter({ hasText: "plan.md" }).waitFor();
  await phone.photographs("what is starred");
  // Another spelling is the tag that is there.
  const again = await detailsOf(laptop, "plan.md");
  await tags(again, "boat");
  assert.equal(await again.getByRole("link", { name: "boat" }).count(), 1);
});

test("a search keeps to what has the labels that are typed or chosen", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("plan.md", "by the sea in June");
  await laptop.createsText("log.md", "noon by the sea");
  const dialog = await detailsOf(laptop, "log.md");
  await tags(dialog, "summer holiday");
  await dialog.getByRole("link", { name: "summer holiday" }).waitFor();
  await laptop.page.keyboard.press("Escape");
  await laptop.selects("plan.md");
  await laptop.page.keyboard.press("*");
  await laptop.row("plan.md").getByRole("button", { name: "Unstar plan.md", exact: true }).waitFor();

  const box = laptop.page.getByRole("searchbox", { name: "Search" });
  const results = laptop.page.getByRole("region", { name: "Search results" });
  const names = results.getByRole("link");
  await box.fill("sea");
  await results.getByRole("link", { name: "plan.md" }).waitFor();
  await results.getByRole("link", { name: "log.md" }).waitFor();
  await box.fill('sea tag:"Summer Holiday"');
  await results.getByRole("link", { name: "plan.md" }).waitFor({ state: "detached" });
  await results.getByRole("link", { name: "log.md" }).getByText("sea", { exact: true }).waitFor();
  await box.fill("is:starred");
  await results.getByRole("link", { name: "log.md" }).waitFor({ state: "detached" });
  await results.getByRole("link", { name: "plan.md" }).waitFor();
  assert.equal(await names.count(), 1);
  await box.fill("sea");
  await results.getByRole("combobox", { name: "Tag" }).selectOption("summer holiday");
  await results.getByRole("link", { name: "plan.md" }).waitFor({ state: "detached" });
  await results.getByRole("link", { name: "log.md" }).waitFor();
  await laptop.photographs("a search with a tag");
});
