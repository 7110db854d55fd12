// A second factor: an app's codes and spare codes beside the password, set up, asked for and taken off.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { reads } from "./support/qr.js";
import { PASSWORD, world } from "./support/world.js";

const STEP_MS = 30_000;

/** What an app shows (RFC 6238). */
function codeOf(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const sum = createHmac("sha1", secret).update(counter).digest();
  const word = sum.readUInt32BE(sum[19] & 15) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, "0");
}

function fromBase32(text) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...text].map((char) => alphabet.indexOf(char).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}

/** An app that shows no code twice: where this one was used, the next one, which the server takes a step early. */
class App {
  #last = 0;

  constructor(secret) {
    this.secret = fromBase32(secret);
  }

  code() {
    const now = Math.floor(Date.now() / STEP_MS);
    this.#last = Math.max(now, this.#last + 1);
    assert.ok(this.#last <= now + 1, "a third code within a step would have to wait");
    return codeOf(this.secret, this.#last);
  }

  /** A code that is right at no time near now. */
  wrong() {
    const now = Math.floor(Date.now() / STEP_MS);
    const near = [-3, -2, -1, 0, 1, 2, 3].map((step) => codeOf(this.secret, now + step));
    return ["000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777"].find((code) => !near.includes(code));
  }
}

const dialog = (device, name) => device.page.getByRole("dialog", { name });

async function opensSettings(device) {
  await device.opens("/settings");
  await device.page.getByText(/^Second factor/).first().click();
}

async function sendsCode(device, code) {
  const asked = dialog(device, "Second factor");
  await asked.getByLabel("Code").fill(code);
  await asked.getByRole("button", { name: "Continue" }).click();
  return asked;
}

/** Sets an app up; answers it and the spare codes. */
async function setsUp(device) {
  await opensSettings(device);
  await device.presses("Set up an app");
  const setUp = dialog(device, "Set up an app");
  const scanned = new URL(await reads(setUp.getByRole("img", { name: "A QR code for the app" })));
  const typed = await setUp.getByText(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/).innerText();
  assert.equal(scanned.searchParams.get("secret"), typed.replaceAll(" ", ""));
  const app = new App(scanned.searchParams.get("secret"));
  await setUp.getByLabel("The code that it shows now").fill(app.wrong());
  await setUp.getByRole("button", { name: "Turn it on" }).click();
  await setUp.getByRole("alert").filter({ hasText: /not right/ }).waitFor();
  await setUp.getByLabel("The code that it shows now").fill(app.code());
  await setUp.getByRole("button", { name: "Turn it on" }).click();
  const spare = dialog(device, "Spare codes");
  await spare.waitFor();
  const codes = await spare.getByRole("listitem").allInnerTexts();
  await spare.getByRole("button", { name: "I have kept them" }).click();
  await device.page.getByText("Second factor: on").waitFor();
  return { app, codes };
}

test("a sign-in asks for a code of the app, and a spare code does once without it", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/status of 401/);
  await laptop.createsFolder("Letters");
  await laptop.isOnServer();
  const { app, codes } = await setsUp(laptop);
  assert.equal(new Set(codes).size, 10);

  const phone = await w.device("phone", { width: 360, height: 740, touch: true });
  phone.expectsComplaint(/status of 401/);
  await phone.signsIn("alice", PASSWORD, { waits: false });
  const asked = await sendsCode(phone, app.wrong());
  await asked.getByRole("alert").filter({ hasText: /not right/ }).waitFor();
  assert.equal(await phone.page.evaluate(() => document.documentElement.scrollWidth), 360);
  await sendsCode(phone, app.code());
  await phone.sees("Letters");

  const tablet = await w.device("tablet");
  tablet.expectsComplaint(/status of 401/);
  await tablet.signsIn("alice", PASSWORD, { waits: false });
  await dialog(tablet, "Second factor").getByRole("button", { name: "Cancel" }).click();
  await tablet.isTold(/second factor is missing/);
  await tablet.signsIn("alice", PASSWORD, { waits: false });
  await sendsCode(tablet, codes[0].toLowerCase());
  await tablet.sees("Letters");

  const other = await w.device("other");
  other.expectsComplaint(/status of 401/);
  await other.signsIn("alice", PASSWORD, { waits: false });
  const again = await sendsCode(other, codes[0]);
  await again.getByRole("alert").filter({ hasText: /used before/ }).waitFor();
});

test("a changed password asks for it too, the kit does not, and takes it off", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/status of 401/);
  const { codes } = await setsUp(laptop);
  const { page } = laptop;
  await page.getByText("Change password").first().click();
  await page.getByLabel("Current password").fill(PASSWORD);
  await page.getByLabel("New password", { exact: true }).fill("another quiet evening");
  await page.getByLabel("Repeat password").fill("another quiet evening");
  await page.getByRole("button", { name: "Change password" }).click();
  await sendsCode(laptop, codes[1]);
  await laptop.isTold(/Password changed/);

  const phone = await w.device("phone");
  await phone.recovers("alice", laptop.kit.code, "a third quiet evening");
  await phone.sees();
  await opensSettings(phone);
  await phone.page.getByText("9 spare codes are left.").waitFor();
  await phone.presses("Remove… Codes of an app");
  await dialog(phone, "Remove Codes of an app?").getByRole("button", { name: "Remove it" }).click();
  await phone.page.getByText("Second factor: off").waitFor();

  const tablet = await w.device("tablet");
  await tablet.signsIn("alice", "a third quiet evening");
  await tablet.sees();
});

test("an older sign-in proves the password before anything is changed", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/status of 40[13]/);
  const { codes } = await setsUp(laptop);
  // What the server answers once the sign-in is five minutes old.
  await laptop.page.evaluate(() => {
    const asks = globalThis.fetch;
    globalThis.fetch = (...about) => {
      if (!about[0].endsWith("/spare-codes")) return asks(...about);
      globalThis.fetch = asks;
      return Promise.resolve(Response.json({ code: "sign_in_again" }, { status: 403 }));
    };
  });
  await laptop.presses("Make new spare codes");
  const proving = dialog(laptop, "Is it you?");
  await proving.getByLabel("Password").fill("not the password");
  await proving.getByRole("button", { name: "Continue" }).click();
  await proving.getByRole("alert").filter({ hasText: /password is wrong/ }).waitFor();
  await proving.getByLabel("Password").fill(PASSWORD);
  await proving.getByRole("button", { name: "Continue" }).click();
  await sendsCode(laptop, codes[2]);
  const spare = dialog(laptop, "Spare codes");
  const renewed = await spare.getByRole("listitem").allInnerTexts();
  assert.equal(renewed.filter((code) => codes.includes(code)).length, 0);
  await spare.getByRole("button", { name: "I have kept them" }).click();
  await laptop.page.getByText("10 spare codes are left.").waitFor();
  await laptop.opens("/");
  await laptop.createsFolder("Work goes on");
  await laptop.isOnServer();
});

/** An authenticator that the browser takes for one that is plugged in. */
async function plugsIn(device) {
  const session = await device.devTools(device.page);
  await session.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "usb", hasResidentKey: false, hasUserVerification: false, isUserVerified: false };
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", { options });
  return { session, authenticatorId };
}

/** Plugs what is in one device into another, as a person does with a key. */
async function moves(from, device) {
  const { credentials } = await from.session.send("WebAuthn.getCredentials", { authenticatorId: from.authenticatorId });
  const to = await plugsIn(device);
  for (const credential of credentials) await to.session.send("WebAuthn.addCredential", { authenticatorId: to.authenticatorId, credential });
  return to;
}

test("a passkey is added by name, signs in on another device, and is taken off", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Letters");
  await laptop.isOnServer();
  const key = await plugsIn(laptop);
  await opensSettings(laptop);
  await laptop.presses("Add a passkey");
  const adding = dialog(laptop, "Add a passkey");
  await adding.getByLabel("Name").fill("Blue key");
  await adding.getByRole("button", { name: "Continue" }).click();
  const spare = dialog(laptop, "Spare codes");
  await spare.waitFor();
  assert.equal((await spare.getByRole("listitem").allInnerTexts()).length, 10);
  await spare.getByRole("button", { name: "I have kept them" }).click();
  await laptop.page.getByText("Second factor: on").waitFor();
  await laptop.page.getByRole("listitem").filter({ hasText: /Blue key/ }).waitFor();

  // The same authenticator makes no second one.
  await laptop.presses("Add a passkey");
  await adding.getByRole("button", { name: "Continue" }).click();
  await adding.getByRole("alert").filter({ hasText: /already/ }).waitFor();
  await adding.getByRole("button", { name: "Cancel" }).click();

  const phone = await w.device("phone", { width: 360, height: 740, touch: true });
  phone.expectsComplaint(/status of 401/);
  await phone.signsIn("alice", PASSWORD, { waits: false });
  await dialog(phone, "Second factor").waitFor();
  await moves(key, phone);
  await phone.presses("Use a passkey");
  await phone.sees("Letters");

  await laptop.presses("Remove… Blue key");
  await dialog(laptop, "Remove Blue key?").getByRole("button", { name: "Remove it" }).click();
  await laptop.page.getByText("Second factor: off").waitFor();
  const tablet = await w.device("tablet");
  await tablet.signsIn("alice", PASSWORD);
  await tablet.sees("Letters");
});
