// Pictures, sound and video: read from sealed chunks in the ranges that the browser wants.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { picture } from "./support/picture.js";
import { film, sound } from "./support/sound.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

/** Minutes of sound, of which a chunk holds one. */
const SECONDS = 1_800;

const alert = (tab) => tab.preview.getByRole("alert");

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
  await laptop.preview.getByRole("img", { name: "mark.svg" }).waitFor();
  assert.equal(await laptop.page.evaluate(() => globalThis.ran), undefined);

  await laptop.goesTo("My files");
  await laptop.enters("film.webm");
  const player = laptop.preview.locator("video");
  await player.evaluate((element) => element.play());
  await laptop.page.waitForFunction(() => document.querySelector("video").currentTime > 0.2);
  assert.deepEqual(await player.evaluate((element) => [element.videoWidth, element.videoHeight]), [160, 90]);
  await laptop.leavesAirplaneMode();
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
