// The account's devices: listed in the settings, and taken off.

import assert from "node:assert/strict";
import { test } from "node:test";

import { PASSWORD, world } from "./support/world.js";

test("a device is listed, taken off, told so, and goes on as a new one after a sign-in", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("notes.md", "shared");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.sees("notes.md");
  await phone.isOnServer();

  await phone.entersAirplaneMode();
  await phone.createsFolder("Only on the phone");

  await laptop.opens("/settings");
  const devices = laptop.page.getByRole("region", { name: "Devices" });
  const lines = devices.getByRole("listitem");
  await lines.nth(1).waitFor();
  assert.equal(await lines.count(), 2);
  await lines.filter({ hasText: "This device" }).waitFor();
  await lines.filter({ hasText: "Last here" }).waitFor();
  await devices.getByRole("button", { name: /^Take .* off your account$/ }).click();
  const question = laptop.page.getByRole("dialog", { name: /^Take .* off your account$/ });
  await question.getByText("nothing it writes is accepted").waitFor();
  await question.getByRole("button", { name: "Take it off" }).click();
  await question.waitFor({ state: "detached" });
  await lines.nth(1).waitFor({ state: "detached" });

  phone.expectsComplaint(/status of 401|WebSocket/);
  await phone.leavesAirplaneMode();
  await phone.page.getByText("This device was taken off your account").first().waitFor();
  await phone.sees("Only on the phone");

  // What was only there arrives, once its person has signed in again.
  await phone.opens("/settings");
  const form = phone.page.getByRole("form", { name: "Sign in" });
  await form.getByLabel("Password").fill(PASSWORD);
  await form.getByRole("button", { name: "Sign in" }).click();
  await form.waitFor({ state: "detached" });
  await phone.isOnServer();
  await laptop.opens();
  await laptop.sees("notes.md", "Only on the phone");
  await laptop.opens("/settings");
  await laptop.page.getByRole("region", { name: "Devices" }).getByRole("listitem").nth(1).waitFor();
});
