// What a picture says of itself, and a copy of it that does not say where it was taken.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { exif, photo, picture, spokenPicture } from "./support/picture.js";
import { downloads, uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";

const HOSTILE = '<img src=x onerror="top.ran = self.ran = true"><script>top.ran = self.ran = true</script>';
const PLACE = [[38, 42, 30], [9, 8, 0]];
const SAVE = "Save a copy without its place";

/** Opens the details of a row; gives the dialog. */
async function details(tab, name) {
  await tab.selects(name);
  await tab.page.keyboard.press("Alt+Enter");
  const dialog = tab.page.getByRole("dialog", { name: "Details" });
  await dialog.getByRole("heading", { name: "Picture" }).waitFor();
  return dialog;
}

const fact = (dialog, name) => dialog.locator(`dt:text-is("${name}") + dd`);

async function leaves(tab, dialog) {
  await tab.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
}

test("a photo tells when, where and with what it was taken, and its copy tells no place, offline", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const taken = await photo(laptop, { author: HOSTILE, place: PLACE });
  const disk = await w.disk({ "photo.jpg": taken });
  await uploads(laptop, [path.join(disk, "photo.jpg")]);
  await laptop.sees("photo.jpg");
  await laptop.isReadyForPreviewsOffline();
  await laptop.isOnServer();
  await laptop.entersAirplaneMode();
  await laptop.reloads();
  const asked = [];
  laptop.page.on("request", (request) => asked.push(request.url()));

  const dialog = await details(laptop, "photo.jpg");
  await fact(dialog, "Place").waitFor();
  assert.equal(await fact(dialog, "Place").textContent(), "38.70833° N, 9.13333° W");
  assert.match(await fact(dialog, "Taken").textContent(), /May 6, 2024|6 May 2024/);
  assert.equal(await fact(dialog, "Camera").textContent(), "Kestrel K5");
  assert.equal(await fact(dialog, "Exposure").textContent(), "1/25 s, f/2.8");
  assert.equal(await fact(dialog, "Pixels").textContent(), "640 × 480 (0.3 million)");
  assert.equal(await fact(dialog, "By").textContent(), HOSTILE);
  assert.equal(await laptop.page.evaluate(() => globalThis.ran), undefined);
  assert.equal(await laptop.page.evaluate(() => document.querySelectorAll("iframe").length), 0, "what read it is gone");
  await laptop.photographs("details of a photo");

  await dialog.getByRole("button", { name: SAVE }).focus();
  await laptop.page.keyboard.press("Enter");
  await dialog.getByRole("status").filter({ hasText: "tells no place" }).waitFor();
  await laptop.photographs("a copy without its place");
  await leaves(laptop, dialog);
  await laptop.sees("photo (without place).jpg");

  const copied = await details(laptop, "photo (without place).jpg");
  await fact(copied, "Camera").waitFor();
  assert.equal(await fact(copied, "By").textContent(), HOSTILE);
  assert.equal(await fact(copied, "Place").count(), 0);
  assert.equal(await copied.getByRole("button", { name: SAVE }).count(), 0);
  await leaves(laptop, copied);
  const { bytes: copy } = await downloads(laptop, "photo (without place).jpg");
  const pixels = (bytes) => bytes.subarray(bytes.indexOf(Buffer.from([0xff, 0xda])));
  assert.ok(pixels(copy).equals(pixels(taken)), "the picture is the same");
  // The list of a place, and what stood in it.
  assert.ok(!copy.includes(Buffer.from([0x25, 0x88])) && !copy.includes(exif({ place: PLACE }).subarray(-48)));
  const { bytes: original } = await downloads(laptop, "photo.jpg");
  assert.ok(original.equals(taken), "the photo is unchanged");
  await laptop.enters("photo (without place).jpg");
  await laptop.preview.getByRole("img", { name: "photo (without place).jpg" }).waitFor();
  const outside = asked.filter((url) => !/^(blob|data):/.test(url) && new URL(url).origin !== laptop.origin);
  assert.deepEqual(outside, [], "nothing else was asked");
  await laptop.leavesAirplaneMode();
  await laptop.isOnServer();
});

test("of a picture that is elsewhere its beginning is fetched, and what cannot be copied is told", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const whole = spokenPicture({ place: PLACE });
  const files = {
    "far.jpg": Buffer.concat([await photo(laptop, { place: PLACE }), noise(9_000_000)]),
    "late.png": whole,
    "plain.png": picture([10, 90, 60]),
    "raw.tif": exif({ place: PLACE }),
    "cut.png": whole.subarray(0, whole.length - 6),
    "fake.jpg": Buffer.from(HOSTILE),
  };
  const disk = await w.disk(files);
  await uploads(laptop, Object.keys(files).map((name) => path.join(disk, name)));
  await laptop.isOnServer();

  const phone = await w.nextDevice("phone", "alice", { width: 360, height: 740, dark: true, touch: true });
  await phone.isReadyForPreviewsOffline();
  await phone.sees(...Object.keys(files));
  await phone.entersAirplaneMode();
  const far = await details(phone, "far.jpg");
  await far.getByRole("status").filter({ hasText: "not on this device" }).waitFor();
  await leaves(phone, far);
  await phone.leavesAirplaneMode();
  await details(phone, "far.jpg");
  await fact(far, "Place").waitFor();
  assert.equal(await fact(far, "On this device").textContent(), "No, it comes when it is opened");
  await phone.photographs("details of a photo");
  await far.getByRole("button", { name: SAVE }).press("Enter");
  await far.getByRole("status").filter({ hasText: "behind the picture" }).waitFor();
  await leaves(phone, far);
  await phone.sees("far (without place).jpg");

  const told = async (name, ...texts) => {
    const dialog = await details(laptop, name);
    for (const text of texts) await dialog.getByText(text).waitFor();
    await leaves(laptop, dialog);
  };
  await told("late.png", "38.70833° N, 9.13333° W", "byte for byte");
  await told("plain.png", "320 × 200 (0.1 million)");
  await told("raw.tif", "38.70833° N, 9.13333° W", "JPEG, PNG and WebP");
  await told("fake.jpg", "no picture of a kind");
  const cut = await details(laptop, "cut.png");
  await cut.getByRole("button", { name: SAVE }).click();
  await cut.getByRole("status").filter({ hasText: "no copy was made" }).waitFor();
  await leaves(laptop, cut);
  await laptop.doesNotSee("cut (without place).png");
});

test("beside a picture that is looked at, its details and the copy without its place are a button or a key away", async (t) => {
  const w = await world(t);
  const phone = await w.firstDevice("phone", "alice", { width: 360, height: 740, dark: true, touch: true });
  const drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="240" height="240"><circle cx="120" cy="120" r="90" fill="teal"/></svg>';
  const disk = await w.disk({ "photo.jpg": await photo(phone, { place: PLACE }), "mark.svg": drawing });
  await uploads(phone, ["photo.jpg", "mark.svg"].map((name) => path.join(disk, name)));
  await phone.sees("photo.jpg", "mark.svg");
  const dialog = phone.page.getByRole("dialog", { name: "Details" });
  await phone.enters("photo.jpg");
  await phone.page.waitForFunction(() => document.querySelector(".viewer-picture img")?.naturalWidth > 0);
  await phone.photographs("a picture on a phone");
  await phone.preview.getByRole("button", { name: "Details", exact: true }).tap();
  assert.equal(await fact(dialog, "Camera").textContent(), "Kestrel K5");
  await dialog.getByRole("button", { name: SAVE }).tap();
  await dialog.getByRole("status").filter({ hasText: "tells no place" }).waitFor();
  await leaves(phone, dialog);
  await phone.page.keyboard.press("i");
  await fact(dialog, "Place").first().waitFor();
  await leaves(phone, dialog);
  await phone.goesTo("My files");
  await phone.sees("photo (without place).jpg");

  // From within a frame too.
  await phone.enters("mark.svg");
  await phone.preview.locator("iframe").last().contentFrame().getByRole("group", { name: "mark.svg" }).press("i");
  await dialog.waitFor();
  await leaves(phone, dialog);
  await phone.photographs("a drawing on a phone");
});
