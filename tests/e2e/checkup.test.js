// The checkup: what is right is called right, and what a proxy does is named.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Proxy } from "./support/proxy.js";
import { world } from "./support/world.js";

const KIB = 1024;
const TITLES = [
  "A secure address",
  "The server",
  "Its name",
  "Who calls",
  "Headers that protect",
  "Headers of calls",
  "Files of the app",
  "Fresh answers",
  "Large uploads",
  "Large downloads",
  "Live updates",
  "Clocks",
  "HTTP",
  "Edges",
];

/** Waits until all is asked; gives grade and words of each line, by its title. */
async function findings(device) {
  await device.page.getByRole("status").filter({ hasNotText: "Checking…" }).waitFor();
  const found = {};
  for (const item of await device.page.getByRole("list", { name: "Checkup" }).getByRole("listitem").all()) {
    const title = await item.getByRole("heading").innerText();
    found[title] = (await item.innerText()).replace(title, "").trim();
  }
  return found;
}

test("a server that is asked directly is found good, by a device that holds the app too", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.isReadyForOffline();
  await laptop.opens("/checkup");
  const found = await findings(laptop);
  assert.deepEqual(Object.keys(found), TITLES);
  for (const [title, words] of Object.entries(found)) assert.match(words, /^Good/, `${title}: ${words}`);
  await laptop.page.getByRole("status").filter({ hasText: "Everything is as it should be." }).waitFor();
  await laptop.page.getByText(/^Server \d+\.\d+\.\d+, app [0-9a-f]+\.$/).waitFor();
});

test("what a proxy takes away, refuses and does not say is named, with what to do", async (t) => {
  const w = await world(t);
  const proxy = await Proxy.before(w.server, { lost: ["x-content-type-options"], bytesMax: 1024 * KIB });
  t.after(() => proxy.end());
  const phone = await w.device("phone", { width: 360, height: 740, touch: true });
  phone.expectsComplaint(/status of 413|WebSocket connection to/);
  await phone.opens(`${proxy.origin}/checkup`);
  const found = await findings(phone);
  const expected = {
    "Its name": /^Wrong\s.*--public-url http:\/\/localhost:\d+/s,
    "Who calls": /^Look\s.*--trust-proxy true/s,
    "Headers that protect": /^Wrong\s.*x-content-type-options/s,
    "Large uploads": /^Wrong\s.*HTTP 413.*33 MiB/s,
    "Live updates": /^Wrong\s.*Upgrade/s,
  };
  for (const [title, words] of Object.entries(found)) assert.match(words, expected[title] ?? /^Good/, title);
  await phone.page.getByRole("status").filter({ hasText: "4 things are wrong, 1 to look at." }).waitFor();
  const width = await phone.page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, 360, "nothing is wider than the screen");
});
