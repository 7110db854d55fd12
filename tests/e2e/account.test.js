// Accounts: made by a link, signed in and out, recovered; and what goes wrong with them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { PASSWORD, world } from "./support/world.js";

test("a person signs up, reads the kit back and lands in My files", async (t) => {
  const w = await world(t);
  const laptop = await w.device("laptop");
  const kit = await laptop.signsUp(await w.server.firstInvite(), "alice", PASSWORD);
  assert.match(kit.text, /alice/);
  await laptop.crumb("My files").waitFor();
  await laptop.isOnServer();
  assert.match(new URL(laptop.page.url()).pathname, /^\/v\/[0-9a-z]+\/[0-9a-z]+$/i);
});

test("a wrong recovery code is not taken for a read-back", async (t) => {
  const w = await world(t);
  const laptop = await w.device("laptop");
  await laptop.opens(await w.server.firstInvite());
  await laptop.fillsSignUp("alice", PASSWORD);
  const dialog = laptop.page.getByRole("dialog", { name: "Recovery kit" });
  await dialog.getByRole("textbox").fill("AAAA-BBBB-CCCC-DDDD");
  await dialog.getByRole("button", { name: "Continue" }).click();
  await laptop.alert.waitFor();
  assert.ok(await dialog.isVisible());
  await laptop.takesKit();
  await laptop.sees();
});

test("a second browser signs in and sees the same", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Travel");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  await phone.sees("Travel");
});

test("signing out forgets what was on the device, and a sign-in brings it back", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("diary.txt", "dear diary");
  await laptop.isOnServer();
  await laptop.signsOut();
  const left = await laptop.page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    let files = 0;
    const walk = async (folder) => {
      for await (const [, handle] of folder.entries()) {
        if (handle.kind === "directory") await walk(handle);
        else files += 1;
      }
    };
    await walk(root);
    return files;
  });
  assert.equal(left, 0, "no chunk stays on the device");
  await laptop.signsIn("alice", PASSWORD);
  await laptop.sees("diary.txt");
  assert.equal(await laptop.textOf("diary.txt"), "dear diary");
});

test("the recovery code opens everything and sets a new password", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("will.md", "all to the cat");
  await laptop.isOnServer();
  const phone = await w.device("phone");
  await phone.recovers("alice", laptop.kit.code, "another quiet evening");
  assert.equal(await phone.textOf("will.md"), "all to the cat");

  const tablet = await w.device("tablet");
  tablet.expectsComplaint(/status of 40[13]/);
  await tablet.signsIn("alice", PASSWORD, { waits: false });
  await tablet.alert.waitFor();
  await tablet.signsIn("alice", "another quiet evening");
  await tablet.sees("will.md");
});

test("a kit that was never read back is asked for on every device, and made anew", async (t) => {
  const w = await world(t);
  const laptop = await w.device("laptop");
  await laptop.opens(await w.server.firstInvite());
  await laptop.fillsSignUp("alice", PASSWORD);
  await laptop.page.getByRole("dialog", { name: "Recovery kit" }).waitFor();
  // The tab goes before anything was kept: the code is lost with it.
  await laptop.opens("/");
  await laptop.sees();
  await laptop.isTold(/kit was not read back/);

  const phone = await w.nextDevice("phone");
  phone.expectsComplaint(/status of 40[13]/);
  await phone.isTold(/No recovery kit was read back/);
  await phone.presses("Recovery kit");
  const dialog = phone.page.getByRole("dialog", { name: "Recovery kit" });
  await dialog.getByLabel("Password").fill("not the password");
  await dialog.getByRole("button", { name: "Make a new kit" }).click();
  await phone.alert.waitFor();
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Make a new kit" }).click();
  const kit = await phone.takesKit();
  await phone.doesNotSeeText(/recovery kit was read back/i);

  const tablet = await w.device("tablet");
  await tablet.recovers("alice", kit.code, "another quiet evening");
  await tablet.sees();
  await tablet.doesNotSeeText(/recovery kit was read back/i);
});

test("a new kit voids the code of the one before", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.opens("/settings");
  await laptop.presses("Make a new kit");
  const dialog = laptop.page.getByRole("dialog", { name: "Recovery kit" });
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Make a new kit" }).click();
  const kit = await laptop.takesKit();
  assert.notEqual(kit.code, laptop.kit.code);

  const phone = await w.device("phone");
  phone.expectsComplaint(/status of 40[13]/);
  await phone.recovers("alice", laptop.kit.code, "another quiet evening", { waits: false });
  await phone.alert.waitFor();
  await phone.recovers("alice", kit.code, "another quiet evening");
  await phone.sees();
});

test("a password is changed in the settings, and the one before opens nothing", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/status of 40[13]/);
  await laptop.opens("/settings");
  const { page } = laptop;
  await page.getByText("Change password").first().click();
  const changes = async (current, next) => {
    await page.getByLabel("Current password").fill(current);
    await page.getByLabel("New password", { exact: true }).fill(next);
    await page.getByLabel("Repeat password").fill(next);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await changes("not the password", "another quiet evening");
  await laptop.alert.waitFor();
  await changes(PASSWORD, "another quiet evening");
  await laptop.isTold(/Password changed/);
  await laptop.opens("/");
  await laptop.createsFolder("Still here");
  await laptop.isOnServer();

  const phone = await w.device("phone");
  phone.expectsComplaint(/status of 40[13]/);
  await phone.signsIn("alice", PASSWORD, { waits: false });
  await phone.alert.waitFor();
  await phone.signsIn("alice", "another quiet evening");
  await phone.sees("Still here");
});

test("a wrong password and an unknown name get the same message", async (t) => {
  const w = await world(t);
  await w.firstDevice("laptop");
  const stranger = await w.device("stranger");
  stranger.expectsComplaint(/status of 40[13]/);
  const messages = [];
  for (const [name, password] of [["alice", "not the password"], ["nobody", PASSWORD]]) {
    await stranger.signsIn(name, password, { waits: false });
    const alert = stranger.alert;
    await alert.waitFor();
    messages.push(await alert.innerText());
  }
  assert.equal(messages[0], messages[1]);
});

test("a taken, a malformed and a short name or password are named as such", async (t) => {
  const w = await world(t);
  await w.firstDevice("laptop");
  const other = await w.device("other");
  other.expectsComplaint(/status of 4\d\d/);
  const link = await w.server.invite();
  for (const [username, password, repeated] of [
    ["Alice", PASSWORD, PASSWORD],
    ["a/b", PASSWORD, PASSWORD],
    ["bob", "short", "short"],
    ["bob", PASSWORD, "something else entirely"],
  ]) {
    await other.opens("about:blank");
    await other.opens(link);
    await other.fillsSignUp(username, password, repeated);
    await other.alert.waitFor();
  }
  // The link was not used up by the failures.
  await other.opens("about:blank");
  await other.signsUp(link, "bob", PASSWORD);
});

test("a sign-up link works once", async (t) => {
  const w = await world(t);
  const link = await w.server.firstInvite();
  const laptop = await w.device("laptop");
  await laptop.signsUp(link, "alice", PASSWORD);
  const other = await w.device("other");
  other.expectsComplaint(/status of 4\d\d/);
  await other.opens(link);
  await other.fillsSignUp("mallory", PASSWORD);
  await other.alert.waitFor();
});

test("two people on one server see nothing of each other", async (t) => {
  const w = await world(t);
  const alice = await w.firstDevice("alice's laptop", "alice");
  await alice.createsFolder("Alice only");
  await alice.isOnServer();
  const bob = await w.firstDevice("bob's laptop", "bob");
  await bob.createsFolder("Bob only");
  await bob.isOnServer();
  await bob.listsExactly("Bob only");
  await bob.opens(new URL(alice.page.url()).pathname);
  await bob.alert.or(bob.grid).first().waitFor();
  await bob.doesNotSeeText("Alice only");
});

test("where everybody may sign up, the page of sign-in leads there and no link is wanted", async (t) => {
  const w = await world(t, { env: { OFFING_REGISTRATION: "open" } });
  const laptop = await w.device("laptop");
  await laptop.opens(w.server.origin);
  await laptop.page.getByRole("link", { name: "Create an account" }).click();
  await laptop.fillsSignUp("alice", PASSWORD);
  await laptop.takesKit();
  await laptop.isOnServer();
});

test("where nobody can sign up, the page of sign-in says so, and a link does not help", async (t) => {
  const w = await world(t, { env: { OFFING_REGISTRATION: "closed" } });
  const laptop = await w.device("laptop");
  await laptop.opens(w.server.origin);
  await laptop.page.getByText("This server makes no new accounts.").waitFor();
  await laptop.opens(`${w.server.origin}/join#a-link-of-before`);
  await laptop.fillsSignUp("alice", PASSWORD);
  await laptop.page.getByRole("alert").getByText("This server makes no new accounts.").waitFor();
});
