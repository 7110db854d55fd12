// Pictures, sound and video: read from sealed chunks in the ranges that the browser wants.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { enormousPicture, picture } from "./support/picture.js";
import { film, sound } from "./support/sound.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

/** Minutes of sound, of which a chunk holds one. */
const SECONDS = 1_800;

const alert = (tab) => tab.preview.getByRole("alert");

/** What stands in the frame of a drawing. */
const drawn = (tab) => tab.preview.locator("iframe").last().contentFrame();

/** Goes to a second of what plays, and waits until it can be heard there. */
const seeks = (player, second) =>
  player.evaluate(
    (element, at) =>
      new Promise((resolve, reject) => {
        element.addEventListener("seeked", resolve, { once: true });
        element.addEventListener("error", () => reject(new Error(element.error?.message)), { once: true });
        element.currentTime = at;
      }),
    second,
  );

test("sound is played from its middle without being fetched whole, and goes on where it was left", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "talk.wav": sound(SECONDS), "not a song.mp3": Buffer.from("a text") });
  await uploads(laptop, ["talk.wav", "not a song.mp3"].map((name) => path.join(disk, name)));
  await laptop.isOnServer();

  const phone = await w.nextDevice("phone");
  await phone.isReadyForOffline();
  await phone.enters("talk.wav");
  const player = phone.preview.locator("audio");
  await phone.page.waitForFunction(() => document.querySelector("audio")?.readyState > 0);
  assert.equal(await player.evaluate((element) => element.duration), SECONDS);
  await seeks(player, SECONDS / 2);
  // The browser ends a service worker whenever it likes.
  await phone.losesServiceWorker();
  await seeks(player, SECONDS - 60);
  await phone.goesTo("My files");
  await phone.grid.waitFor();
  assert.match(await phone.row("talk.wav").innerText(), /On the server only/);

  await phone.enters("talk.wav");
  await phone.page.waitForFunction((at) => document.querySelector("audio")?.currentTime === at, SECONDS - 60);
  await phone.goesTo("My files");
  await phone.enters("not a song.mp3");
  await alert(phone).filter({ hasText: "cannot show or play" }).waitFor();
});

test("a picture is drawn and looked at closely, and a film plays, offline too", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  // Where a drawing is counted, what it would run is refused once more.
  laptop.expectsComplaint(/content security policy/i);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30" onload="top.ran = 1"><script>top.ran = 1</script><rect width="40" height="30"/></svg>';
  const disk = await w.disk({ "sea.png": picture([20, 90, 120], 1_600, 900), "mark.svg": svg, "film.webm": await film(laptop) });
  await uploads(laptop, ["sea.png", "mark.svg", "film.webm"].map((name) => path.join(disk, name)));
  await laptop.isReadyForOffline();
  await laptop.isOnServer();
  await laptop.entersAirplaneMode();

  await laptop.enters("sea.png");
  const stage = laptop.preview.getByRole("group", { name: "sea.png" });
  const image = stage.getByRole("img", { name: "sea.png" });
  await laptop.page.waitForFunction(() => document.querySelector(".viewer-picture img")?.naturalWidth === 1_600);
  const fits = await image.boundingBox();
  assert.ok(fits.width < 1_600 && fits.width > 600, `${fits.width} px wide`);
  await stage.press("1");
  assert.equal((await image.boundingBox()).width, 1_600);
  await stage.press("0");
  assert.deepEqual(await image.boundingBox(), fits);

  await laptop.goesTo("My files");
  await laptop.enters("mark.svg");
  const drawing = drawn(laptop).getByRole("img", { name: "mark.svg" });
  assert.deepEqual(await drawing.evaluate((image) => image.decode().then(() => [image.naturalWidth, origin, globalThis.ran])), [40, "null", undefined]);
  await drawn(laptop).getByRole("group", { name: "mark.svg" }).press("+");
  await drawn(laptop).getByText("125 %").waitFor();
  await laptop.page.keyboard.press("1");
  await drawn(laptop).getByText("100 %").waitFor();
  assert.equal(await laptop.page.evaluate(() => globalThis.ran), undefined);

  await laptop.goesTo("My files");
  await laptop.enters("film.webm");
  const player = laptop.preview.locator("video");
  await player.evaluate((element) => element.play());
  await laptop.page.waitForFunction(() => document.querySelector("video").currentTime > 0.2);
  assert.deepEqual(await player.evaluate((element) => [element.videoWidth, element.videoHeight]), [160, 90]);
  await laptop.leavesAirplaneMode();
});

/** The colour of a picture's first point; runs in its page. */
function colourOf(image) {
  const pen = new OffscreenCanvas(9, 9).getContext("2d");
  pen.drawImage(image, 0, 0, 9, 9);
  return [...pen.getImageData(4, 4, 1, 1).data];
}

/** Ten in each of so many groups, one after the other: a kilobyte becomes 10^depth shapes. */
const nested = (depth) => {
  const group = (level) => `<g id="g${level}">${`<use href="#g${level - 1}" x="1"/>`.repeat(10)}</g>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><defs><rect id="g0" width="9" height="9"/>${Array.from({ length: depth }, (_, level) => group(level + 1)).join("")}</defs><use href="#g${depth}"/></svg>`;
};
const svg = (body, size = 'width="40" height="30"') => `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${body}</svg>`;
const asData = (text) => `data:image/svg+xml;base64,${Buffer.from(text).toString("base64")}`;

/** Drawings that a browser would draw for years, or not at all. */
const HOSTILE = {
  "uses.svg": nested(12),
  "inside.svg": svg(`<image href="${asData(nested(12))}" width="9" height="9"/>`),
  "circle.svg": svg('<defs><g id="a"><use href="#b"/></g><g id="b"><use href="#a"/><rect width="9" height="9"/></g></defs><use href="#a"/>'),
  "markers.svg": svg(`<defs><marker id="m" markerWidth="9" markerHeight="9">${"<path d='M0 0h1'/>".repeat(500)}</marker></defs><path marker-mid="url(#m)" d="M0 0${"h1".repeat(50_000)}"/>`),
  "styled.svg": svg(`<style>.a{fill:url(#p)}</style><defs><pattern id="p" width="1" height="1">${"<rect width='1' height='1'/>".repeat(2_000)}</pattern></defs>${'<rect class="a" width="9" height="9"/>'.repeat(900)}`),
  "filters.svg": svg(`<filter id="f" x="-1e9" y="-1e9" width="2e9" height="2e9">${'<feTurbulence numOctaves="200" baseFrequency="0.01"/>'.repeat(50)}</filter><rect width="9" height="9" filter="url(#f)"/>`),
};

test("a drawing that would never be done is told, and the page, its text and the next one go on", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/content security policy/i);
  const large = { "wide.svg": svg('<style>rect { fill: teal }</style><rect width="100%" height="100%"/>', 'width="1e9" height="1e9"'), "many.svg": svg('<path d="M0 0h9v9"/>'.repeat(50_000)) };
  const note = "![](uses.svg)\n\n![](many.svg)\n";
  const files = { ...HOSTILE, ...large, "no.svg": "<svg", "sea.md": note };
  const disk = await w.disk(files);
  await uploads(laptop, Object.keys(files).map((name) => path.join(disk, name)));
  for (const name of Object.keys(HOSTILE)) {
    await laptop.enters(name);
    await alert(laptop).filter({ hasText: "Drawing this would take too long" }).waitFor();
    await laptop.preview.getByRole("button", { name: "Open as text" }).click();
    await drawn(laptop).getByText("http://www.w3.org/2000/svg").first().waitFor();
    await laptop.goesTo("My files");
    await laptop.grid.waitFor();
  }
  for (const name of Object.keys(large)) {
    await laptop.enters(name);
    await laptop.page.waitForFunction(() => !document.querySelector(".viewer-body")?.hasAttribute("aria-busy"));
    const image = drawn(laptop).getByRole("img", { name });
    assert.ok((await image.boundingBox()).width > 10, name);
    if (name === "wide.svg") assert.deepEqual(await image.evaluate(colourOf), [0, 128, 128, 255]);
    await laptop.page.keyboard.press("1");
    await laptop.goesTo("My files");
    await laptop.grid.waitFor();
  }
  await laptop.enters("no.svg");
  await alert(laptop).filter({ hasText: "cannot show or play" }).waitFor();
  await laptop.goesTo("My files");

  // The page itself draws none of them beside a text either.
  await laptop.edits("sea.md");
  await laptop.page.waitForFunction(() => document.querySelector(".md-picture img")?.naturalWidth === 40);
  assert.equal(await laptop.page.evaluate(() => document.querySelectorAll(".md-picture img").length), 1);
});

test("a frame that hangs after it has drawn is taken away", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "mark.svg": svg('<rect width="9" height="9"/>') });
  await uploads(laptop, [path.join(disk, "mark.svg")]);
  await laptop.enters("mark.svg");
  await drawn(laptop).getByRole("img", { name: "mark.svg" }).waitFor();
  const begin = Date.now();
  laptop.page.frames().at(-1).evaluate(() => { for (;;); }).catch(() => {});
  await alert(laptop).filter({ hasText: "took too long" }).waitFor();
  assert.ok(Date.now() - begin < 25_000, "within its time");
  await laptop.preview.getByRole("button", { name: "Preview", exact: true }).click();
  await drawn(laptop).getByRole("img", { name: "mark.svg" }).waitFor();
});

/** A picture of nothing that says a size. */
const says = {
  png: (width, height) => enormousPicture(width, height),
  gif: (width, height) => {
    const head = Buffer.from("GIF89a\0\0\0\0\0\0\0,\0\0\0\0\0\0\0\0\0\x02\x02L\x01\0;", "latin1");
    for (const [at, side] of [[6, width], [8, height], [18, width], [20, height]]) head.writeUInt16LE(side, at);
    return head;
  },
  bmp: (width, height) => {
    const head = Buffer.alloc(62);
    head.write("BM");
    [[2, 62], [10, 62], [14, 40], [18, width], [22, height]].forEach(([at, value]) => head.writeInt32LE(value, at));
    head.writeUInt16LE(1, 26);
    head.writeUInt16LE(1, 28);
    return head;
  },
};

test("a picture that says an enormous size is told and not decoded, and one of a large camera is drawn", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const bombs = Object.fromEntries(Object.entries(says).map(([kind, make]) => [`bomb.${kind}`, make(30_000, 30_000)]));
  const long = { "long.png": says.png(40_000, 10) };
  const files = { ...bombs, ...long, "wall.png": says.png(12_000, 9_000), "cut.jpg": Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 9]), "sea.md": "![](bomb.png)\n\n![](small.png)\n", "small.png": picture([9, 9, 9], 64, 48) };
  const disk = await w.disk(files);
  await uploads(laptop, Object.keys(files).map((name) => path.join(disk, name)));
  for (const name of [...Object.keys(bombs), ...Object.keys(long)]) {
    await laptop.enters(name);
    await alert(laptop).filter({ hasText: "more pixels than a browser can hold" }).waitFor();
    await laptop.goesTo("My files");
    await laptop.grid.waitFor();
  }
  await laptop.enters("cut.jpg");
  await alert(laptop).filter({ hasText: "cannot show or play" }).waitFor();
  await laptop.goesTo("My files");
  await laptop.enters("wall.png");
  await laptop.page.waitForFunction(() => document.querySelector(".viewer-picture img")?.naturalWidth === 12_000);
  await laptop.goesTo("My files");
  await laptop.edits("sea.md");
  await laptop.page.waitForFunction(() => document.querySelector(".md-picture img")?.naturalWidth === 64);
  assert.equal(await laptop.page.evaluate(() => document.querySelectorAll(".md-picture img").length), 1);
});

test("at its end a sound is followed by the next one of its folder, offline, unless that is switched off", async (t) => {
  const w = await world(t);
  const phone = await w.firstDevice("phone", "alice", { width: 360, height: 740, dark: true, touch: true });
  const files = { "1 Ebb.wav": sound(1), "1 cover.png": picture([20, 90, 120]), "1 notes.md": "by the sea", "2 Flow.wav": sound(2), "10 Neap.wav": sound(600), "11 Spring.wav": sound(5) };
  const disk = await w.disk(files);
  await uploads(phone, Object.keys(files).map((name) => path.join(disk, name)));
  await phone.isReadyForOffline();
  await phone.isOnServer();
  await phone.entersAirplaneMode();

  await phone.enters("1 Ebb.wav");
  const queue = phone.preview.getByRole("region", { name: "What follows" });
  const follows = () => queue.getByRole("link").allTextContents();
  await queue.getByRole("link", { name: "11 Spring.wav" }).waitFor();
  assert.deepEqual(await follows(), ["2 Flow.wav", "10 Neap.wav", "11 Spring.wav"]);
  assert.ok(await queue.getByRole("switch", { name: "Play on" }).isChecked());
  await phone.photographs("what follows a sound");
  const plays = (name) =>
    phone.page.waitForFunction((name) => {
      const player = document.querySelector("audio");
      return player?.getAttribute("aria-label") === name && player.currentTime > 0.1 && !player.paused;
    }, name);
  await phone.preview.locator("audio").evaluate((player) => player.play());
  // The first ends, and so does the one that follows it.
  await plays("10 Neap.wav");
  await queue.getByRole("switch", { name: "Play on" }).uncheck();
  await phone.preview.locator("audio").evaluate((player) => (player.currentTime = player.duration - 0.3));
  await phone.page.waitForFunction(() => document.querySelector("audio").ended);
  await phone.preview.getByLabel("10 Neap.wav").waitFor();
  await queue.getByRole("link", { name: "11 Spring.wav" }).tap();
  await plays("11 Spring.wav");
  await queue.waitFor({ state: "hidden" });

  await phone.goesTo("My files");
  await phone.enters("2 Flow.wav");
  await queue.getByRole("link", { name: "11 Spring.wav" }).waitFor();
  assert.equal(await queue.getByRole("switch", { name: "Play on" }).isChecked(), false, "the choice is kept");
  await phone.leavesAirplaneMode();
});

/** Runs in every page: keeps what is to happen at a media key, which only the system can press. */
function noteMediaKeys() {
  globalThis.mediaKeys = {};
  const { mediaSession } = navigator;
  const real = mediaSession.setActionHandler.bind(mediaSession);
  mediaSession.setActionHandler = (action, act) => {
    globalThis.mediaKeys[action] = act;
    real(action, act);
  };
}

test("media keys lead to the next sound and to the one before, and are let go with the player", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "1 Ebb.wav": sound(60), "2 Flow.wav": sound(60) });
  await uploads(laptop, ["1 Ebb.wav", "2 Flow.wav"].map((name) => path.join(disk, name)));
  await laptop.sees("1 Ebb.wav", "2 Flow.wav");
  await laptop.context.addInitScript(noteMediaKeys);
  await laptop.reloads();
  await laptop.sees("1 Ebb.wav");
  const plays = (name) =>
    laptop.page.waitForFunction((name) => {
      const player = document.querySelector("audio");
      return player?.getAttribute("aria-label") === name && navigator.mediaSession.metadata?.title === name;
    }, name);
  const presses = (key) => laptop.page.evaluate((key) => globalThis.mediaKeys[key](), key);

  await laptop.enters("1 Ebb.wav");
  await plays("1 Ebb.wav");
  await laptop.preview.getByRole("region", { name: "What follows" }).getByRole("link", { name: "2 Flow.wav" }).waitFor();
  await presses("nexttrack");
  await plays("2 Flow.wav");
  await presses("previoustrack");
  await plays("1 Ebb.wav");
  await laptop.goesTo("My files");
  await laptop.grid.waitFor();
  assert.deepEqual(await laptop.page.evaluate(() => [globalThis.mediaKeys, navigator.mediaSession.metadata]), [
    { previoustrack: null, nexttrack: null },
    null,
  ]);
});
