// The page for whoever keeps the server: in by a link, and what is done there is so on people's devices.

import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { assetsFolder } from "./support/server.js";
import { PASSWORD, world } from "./support/world.js";

/** Opens the page by a link of its own. */
async function keeps(w, keeper) {
  await keeper.opens(await w.server.adminLink());
  await keeper.page.getByRole("heading", { name: "The server" }).waitFor();
}

const account = (keeper, name) => keeper.page.getByRole("listitem").filter({ has: keeper.page.getByRole("heading", { name, exact: true }) });
const button = (keeper, name) => keeper.page.getByRole("button", { name, exact: true });
const dialog = (keeper, name) => keeper.page.getByRole("dialog", { name });

test("an account is limited, closed and opened by the page, and somebody is invited", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/status of 403|WebSocket connection to/);
  await laptop.createsText("note.txt", "before");
  await laptop.isOnServer();
  const keeper = await w.device("keeper");
  await keeps(w, keeper);
  assert.equal(await keeper.page.evaluate(() => location.hash), "", "the secret has left the address");
  await account(keeper, "alice").getByText(/no limit/).waitFor();

  await button(keeper, "Limit… alice").click();
  const limit = dialog(keeper, "Limit of alice");
  await limit.getByRole("textbox").fill("many");
  await keeper.page.keyboard.press("Enter");
  await limit.getByText("This is no size.").waitFor();
  await limit.getByRole("textbox").fill("0.5");
  await keeper.page.keyboard.press("Enter");
  await account(keeper, "alice").getByText(/of 500 MB stored/).waitFor();

  await button(keeper, "Invite somebody").click();
  const link = await dialog(keeper, "A sign-up link").getByRole("textbox", { name: "Link" }).inputValue();
  await button(keeper, "Done").click();
  const phone = await w.device("phone");
  await phone.signsUp(link, "bob", PASSWORD);
  await button(keeper, "Refresh").click();
  await account(keeper, "bob").waitFor();

  await button(keeper, "Close account… alice").click();
  const closing = dialog(keeper, "Close the account of alice?");
  await closing.getByRole("button", { name: "Cancel" }).click();
  await account(keeper, "alice").getByText("Open", { exact: true }).waitFor();
  await button(keeper, "Close account… alice").click();
  await closing.getByRole("button", { name: "Close account" }).click();
  await account(keeper, "alice").getByText("Closed", { exact: true }).waitFor();
  await laptop.page.getByText(/account was closed/).first().waitFor();
  await laptop.createsText("meanwhile.txt", "on this device");

  await button(keeper, "Open again alice").click();
  await account(keeper, "alice").getByText("Open", { exact: true }).waitFor();
  // It comes back by itself, in minutes; who looks at it sooner has it come back at once.
  await laptop.reloads();
  await laptop.isOnServer();
  const tablet = await w.nextDevice("tablet");
  assert.equal(await tablet.textOf("meanwhile.txt"), "on this device");

  await button(keeper, "Devices… alice").click();
  const devices = dialog(keeper, "Devices of alice");
  await devices.getByRole("listitem").nth(1).waitFor();
  assert.equal(await devices.getByRole("listitem").count(), 2);
  await devices.getByRole("button", { name: "Done" }).click();
  await dialog(keeper, "Devices of alice").waitFor({ state: "detached" });
  await keeper.page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await keeper.page.evaluate(() => document.documentElement.scrollWidth), 360);
  await account(keeper, "bob").scrollIntoViewIfNeeded();
});

test("a link is good once, and locking ends who is in", async (t) => {
  const w = await world(t);
  const keeper = await w.device("keeper", { width: 360, height: 740, touch: true, dark: true });
  keeper.expectsComplaint(/status of 401/);
  await keeper.opens("/admin");
  await keeper.page.getByText("offing-server admin link").waitFor();
  const link = await w.server.adminLink();
  await keeper.opens(link);
  await keeper.page.getByText(/Nobody has an account yet/).waitFor();
  assert.equal(await keeper.page.evaluate(() => document.documentElement.scrollWidth), 360);

  const other = await w.device("other");
  other.expectsComplaint(/status of 401/);
  await other.opens(link);
  await other.page.getByRole("alert").filter({ hasText: "This link was used" }).waitFor();

  await keeper.reloads();
  await keeper.page.getByText(/Nobody has an account yet/).waitFor();
  await w.server.locksAdmin();
  await button(keeper, "Refresh").click();
  await keeper.page.getByRole("alert").filter({ hasText: "You are not in any more" }).waitFor();
});

test("what is offered of the app is shown, shared with more devices, and stopped", async (t) => {
  const w = await world(t);
  const build = path.join(w.folder, "next");
  await cp(assetsFolder(), build, { recursive: true });
  await w.server.offers(build, { percent: 10 });
  const keeper = await w.device("keeper");
  await keeps(w, keeper);
  const offered = keeper.page.getByRole("region", { name: "Version of the app that is offered" });
  await offered.getByText(/is offered to 10 % of devices/).waitFor();
  await offered.getByRole("spinbutton", { name: "Percent of devices" }).fill("40");
  await offered.getByRole("button", { name: "Set" }).click();
  await offered.getByText(/is offered to 40 % of devices/).waitFor();
  await offered.getByRole("button", { name: "Stop offering it…" }).click();
  await dialog(keeper, "Stop offering this version?").getByRole("button", { name: "Stop offering it" }).click();
  await offered.getByText(/is offered no more: stopped by hand/).waitFor();
  await button(keeper, "Leave").click();
  await keeper.page.getByText("offing-server admin link").waitFor();
});
