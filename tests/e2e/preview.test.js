// Previews: what is in a file that the editor does not open, in a sandbox.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { makeTar, makeZip } from "./support/archives.js";
import { replaceable } from "./support/releases.js";
import { line, uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";

/** What stands in the frame of the preview. */
const shown = (tab) => tab.preview.locator("iframe").last().contentFrame();
const button = (tab, name) => tab.preview.getByRole("button", { name, exact: true });
const alert = (tab) => tab.preview.getByRole("alert");

/** Uploads files of these contents by name. */
async function brings(w, tab, files) {
  const disk = await w.disk(files);
  await uploads(tab, Object.keys(files).map((name) => path.join(disk, name)));
  await tab.sees(...Object.keys(files));
}

const back = async (tab, to = "My files") => {
  await tab.goesTo(to);
  await tab.grid.waitFor();
};

/** The worker of the module that runs now. */
async function moduleOf(tab) {
  const found = () => tab.page.workers().find((worker) => worker.url().startsWith("blob:null/"));
  return found() ?? tab.page.waitForEvent("worker", { predicate: () => Boolean(found()) }).then(found);
}

const HOSTILE = '<img src=x onerror="top.ran = self.ran = true"><script>top.ran = self.ran = true</script>';

test("an archive is looked into offline, and nothing of it runs or asks for anything", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  // What the policy refuses to the page of HTML, it tells.
  laptop.expectsComplaint(/content security policy/i);
  const files = [
    ["report/summary.txt", "All is well."],
    ["report/data/numbers.bin", Buffer.from([0, 1, 2, 254, 255])],
    [`report/${HOSTILE.replaceAll("/", "")}.html`, HOSTILE],
    ["../../outside.txt", "not outside"],
    ["inner.zip", makeZip([["deep.txt", "deep"]])],
  ];
  await brings(w, laptop, { "papers.zip": makeZip(files), "papers.tar.gz": gzipSync(makeTar(files)) });
  await laptop.isReadyForPreviewsOffline();
  await laptop.isOnServer();
  await laptop.entersAirplaneMode();
  const asked = [];
  laptop.page.on("request", (request) => asked.push(request.url()));

  for (const name of ["papers.zip", "papers.tar.gz"]) {
    await laptop.enters(name);
    const frame = shown(laptop);
    await frame.getByRole("button", { name: "report/" }).click();
    await frame.getByRole("button", { name: /^<img/ }).first().waitFor();
    await frame.getByRole("button", { name: /^<img/ }).first().click();
    await button(laptop, "Back to the archive").waitFor();
    // A page shows as one; what it is made of is a text.
    await button(laptop, "Text").click();
    await shown(laptop).getByText(HOSTILE).waitFor();
    for (const one of laptop.page.frames().slice(1)) {
      assert.deepEqual(await one.evaluate(() => [origin, globalThis.ran]), ["null", undefined]);
    }
    assert.equal(await laptop.page.evaluate(() => globalThis.ran), undefined);
    await button(laptop, "Back to the archive").click();
    // By keys: clicks reach a frame that was just uncovered only after its next picture.
    await frame.getByRole("button", { name: "data/" }).press("Enter");
    await frame.getByRole("button", { name: "numbers.bin", exact: true }).click();
    await shown(laptop).getByText("00 01 02 fe ff").waitFor();
    await button(laptop, "Back to the archive").click();
    await frame.getByRole("button", { name: "Archive" }).press("Enter");
    // An archive inside of an archive is bytes.
    await frame.getByRole("button", { name: "inner.zip", exact: true }).click();
    await shown(laptop).getByText("50 4b 03 04").waitFor();
    await back(laptop);
  }
  const outside = asked.filter((url) => !url.startsWith("blob:") && new URL(url).origin !== laptop.origin);
  assert.deepEqual(outside, [], "nothing else was asked");

  await laptop.enters("papers.zip");
  await shown(laptop).getByRole("button", { name: "Extract all" }).click();
  // Whoever leaves before ends it.
  await line(laptop, "inner.zip").waitFor();
  await back(laptop);
  await laptop.entersFolder("papers");
  await laptop.sees("report", "outside.txt", "inner.zip");
  await laptop.leavesAirplaneMode();
});

test("of an archive larger than memory a list and a member are read, where the rest of it is not", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const members = [["first.txt", "at the beginning"], ["film.bin", Buffer.alloc(70 * 1024 * 1024)], ["middle.txt", "in the middle"], ["sound.bin", Buffer.alloc(10 * 1024 * 1024)]];
  await brings(w, laptop, { "large.zip": makeZip(members, { stored: true }), "large.tar": makeTar(members), "packed.tar.gz": gzipSync(makeTar(members), { level: 0 }) });
  await laptop.isOnServer();

  const phone = await w.nextDevice("phone");
  await phone.sees("large.zip", "large.tar", "packed.tar.gz");
  for (const name of ["large.zip", "large.tar"]) {
    await phone.enters(name);
    await shown(phone).getByText("4 items").waitFor();
    await shown(phone).getByRole("button", { name: "middle.txt", exact: true }).click();
    await shown(phone).getByText("in the middle").waitFor();
    await button(phone, "Back to the archive").click();
    await shown(phone).getByRole("button", { name: "film.bin", exact: true }).press("Enter");
    await shown(phone).getByText("too large to be shown here").waitFor();
    await back(phone);
    assert.match(await phone.row(name).innerText(), /On the server only/);
  }
  await phone.enters("packed.tar.gz");
  await alert(phone).filter({ hasText: "too large for a preview" }).waitFor();
});

test("a hang and a bomb are cut off with a message, and text, hex and download go on", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const plain = makeZip([["a.txt", "a"], ["b.txt", "b"]]);
  await brings(w, laptop, {
    "plain.zip": plain,
    "bomb.tar.gz": gzipSync(Buffer.alloc(64 * 1024 * 1024)),
    // What repeats beyond the window that gzip looks back at stays as it is.
    "vast.gz": gzipSync(Buffer.concat(Array(150).fill(Buffer.concat([noise(64 * 1024), Buffer.alloc(960 * 1024)]))), { level: 1 }),
    "damaged.zip": plain.subarray(0, plain.length - 30),
    "bomb.zip": makeZip([["zeros.bin", Buffer.alloc(16 * 1024 * 1024)], ["good.txt", "still here"]]),
  });

  await laptop.enters("bomb.tar.gz");
  await alert(laptop).filter({ hasText: "a hundred times its size" }).waitFor();
  await button(laptop, "Hex").last().click();
  await shown(laptop).getByText("1f 8b 08").waitFor();
  await back(laptop);

  await laptop.enters("vast.gz");
  await alert(laptop).filter({ hasText: "too large to be shown here" }).waitFor();
  await back(laptop);

  await laptop.enters("damaged.zip");
  await alert(laptop).filter({ hasText: "damaged" }).waitFor();
  await button(laptop, "Open as text").click();
  await shown(laptop).getByText("PK").first().waitFor();
  await back(laptop);

  await laptop.enters("bomb.zip");
  await shown(laptop).getByRole("button", { name: "zeros.bin", exact: true }).click();
  await shown(laptop).getByText("a hundred times its size").waitFor();
  await shown(laptop).getByRole("button", { name: "good.txt", exact: true }).click();
  await shown(laptop).getByText("still here").waitFor();
  await back(laptop);

  await laptop.enters("plain.zip");
  await shown(laptop).getByRole("button", { name: "a.txt", exact: true }).waitFor();
  const parser = await moduleOf(laptop);
  const most = await parser.evaluate(() => {
    while (memory.buffer.byteLength < 2 ** 31) {
      try {
        memory.grow(64);
      } catch {
        break;
      }
    }
    return memory.buffer.byteLength;
  });
  assert.ok(most <= 256 * 1024 * 1024, `the browser gives no more: ${most}`);
  const begin = Date.now();
  parser.evaluate(() => { for (;;); }).catch(() => {});
  await shown(laptop).getByRole("button", { name: "b.txt", exact: true }).click();
  await alert(laptop).filter({ hasText: "took too long" }).waitFor();
  assert.ok(Date.now() - begin < 15_000, "within its time");
  await button(laptop, "Preview").click();
  await shown(laptop).getByRole("button", { name: "b.txt", exact: true }).click();
  await shown(laptop).getByText("b", { exact: true }).waitFor();
  await back(laptop);
  const saved = await (async () => {
    await laptop.enters("plain.zip");
    const [download] = await Promise.all([laptop.page.waitForEvent("download"), laptop.presses("Download")]);
    return readFile(await download.path());
  })();
  assert.ok(saved.equals(plain));
});

test("arrow keys walk the files of the folder, and a table and any bytes are shown", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const sheet = ["name,amount", ...Array.from({ length: 5000 }, (_, row) => `"Person, ${row}",${row * 2}`)].join("\r\n");
  await brings(w, laptop, {
    "1.zip": makeZip([["a.txt", "a"]]),
    // Of an old Windows, so no text for the editor.
    "2.csv": Buffer.concat([Buffer.from(sheet), Buffer.from("\r\ncaf\xe9,1", "latin1")]),
    "3.dat": Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7) & 255)),
    "note.txt": "for the editor",
  });
  await laptop.enters("1.zip");
  await shown(laptop).getByRole("button", { name: "a.txt", exact: true }).waitFor();
  await laptop.page.keyboard.press("ArrowRight");
  const table = shown(laptop).getByRole("grid", { name: "2.csv" });
  await table.getByText("Person, 7", { exact: true }).waitFor();
  assert.equal(await table.getByRole("columnheader", { name: "amount" }).count(), 1);
  await table.evaluate((element) => (element.scrollTop = element.scrollHeight));
  await table.getByText("café", { exact: true }).waitFor();
  await laptop.page.keyboard.press("ArrowRight");
  await shown(laptop).getByText("000000f0").waitFor();
  await shown(laptop).getByRole("textbox", { name: "Go to offset" }).fill("18000");
  await laptop.page.keyboard.press("Enter");
  await shown(laptop).getByText("00018000").waitFor();
  await shown(laptop).getByRole("list", { name: "Hex" }).focus();
  await laptop.page.keyboard.press("ArrowRight");
  await laptop.page.keyboard.press("ArrowLeft");
  await table.waitFor();
  // Its cells are looked through and copied like those of a workbook.
  await table.focus();
  await laptop.page.keyboard.press("Control+f");
  await shown(laptop).getByRole("searchbox", { name: "Find" }).fill("CAFE");
  await shown(laptop).getByText("1 / 1", { exact: true }).waitFor();
  await shown(laptop).getByRole("status").getByText("A5002", { exact: true }).waitFor();
  await laptop.page.keyboard.press("Escape");
  await laptop.page.keyboard.press("Shift+ArrowRight");
  await laptop.page.keyboard.press("Control+c");
  await shown(laptop).getByText("2 cells copied").waitFor();
  assert.equal(await laptop.pastes(), "café\t1");
  await laptop.page.keyboard.press("Escape");
  await laptop.sees("1.zip", "2.csv", "3.dat", "note.txt");
});

test("a module that is not the one that was signed is not run", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await brings(w, laptop, { "plain.zip": makeZip([["a.txt", "a"]]) });
  await laptop.page.evaluate(async () => {
    const { release } = await (await fetch("/release.json")).json();
    const { idle, version } = JSON.parse(release);
    const cache = await caches.open(`offing-${version}`);
    await navigator.serviceWorker.ready;
    for (const url of Object.keys(idle)) await cache.put(url, new Response("throw 1", { headers: { "content-type": "text/javascript" } }));
  });
  await laptop.enters("plain.zip");
  await alert(laptop).filter({ hasText: "was not run" }).waitFor();
  await button(laptop, "Hex").last().click();
  await shown(laptop).getByText("50 4b 03 04").waitFor();
});

/** What a hostile script would try, and what came of each try. */
const tries = async (server) => {
  const came = {};
  const attempt = async (name, act) => {
    came[name] = await Promise.resolve().then(act).then(() => "done", (error) => error.name);
  };
  const isPage = typeof document === "object";
  await attempt("fetch", () => fetch(`${server}/?fetch`, { mode: "no-cors" }));
  await attempt("request", () => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    Object.assign(request, { onload: resolve, onerror: () => reject(new TypeError("refused")) });
    request.open("GET", `${server}/?request`);
    request.send();
  }));
  await attempt("socket", () => new Promise((resolve, reject) => {
    const socket = new WebSocket(server.replace("http", "ws"));
    Object.assign(socket, { onopen: resolve, onerror: () => reject(new TypeError("refused")) });
  }));
  await attempt("indexedDB", () => new Promise((resolve, reject) => {
    const request = indexedDB.open("offing");
    Object.assign(request, { onsuccess: resolve, onerror: () => reject(request.error) });
  }));
  await attempt("caches", () => caches.keys());
  await attempt("files", () => navigator.storage.getDirectory());
  if (isPage) {
    await attempt("localStorage", () => localStorage.setItem("a", "b"));
    await attempt("cookie", () => document.cookie);
    await attempt("top", () => top.location.assign(`${server}/?taken`));
    await attempt("parent", () => parent.document.title);
    await attempt("popup", () => { if (!open(`${server}/?popup`)) throw new TypeError("refused"); });
    await attempt("serviceWorker", () => navigator.serviceWorker.getRegistrations());
    await attempt("script", () => new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: `${server}/sw.js?script`, onload: resolve, onerror: () => reject(new TypeError("refused")) });
      document.head.append(script);
    }));
    await attempt("picture", () => new Promise((resolve, reject) => {
      Object.assign(new Image(), { onload: resolve, onerror: () => reject(new TypeError("refused")), src: `${server}/icons/icon.svg?picture` });
    }));
    // It says whether it was put in a queue, not whether it went.
    navigator.sendBeacon(`${server}/?beacon`, "x");
    Object.assign(document.body.appendChild(document.createElement("form")), { action: `${server}/?form` }).submit();
  } else {
    await attempt("importScripts", () => importScripts(`${server}/sw.js?script`));
  }
  return came;
};

test("a frame and its module reach no server, no storage and no page, whatever they try", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  laptop.expectsComplaint(/./);
  await brings(w, laptop, { "plain.zip": makeZip([["a.txt", "a"]]) });
  await laptop.isReadyForPreviewsOffline();
  await laptop.enters("plain.zip");
  await shown(laptop).getByRole("button", { name: "a.txt", exact: true }).waitFor();
  const address = laptop.page.url();
  // The browser tells of requests that its policy stopped too; those have no answer.
  const [answered, popups] = [[], []];
  laptop.context.on("response", (response) => answered.push(response.url()));
  laptop.context.on("page", (page) => popups.push(page.url()));

  const frame = await laptop.preview.locator("iframe").last().elementHandle().then((element) => element.contentFrame());
  const module = await moduleOf(laptop);
  for (const place of [frame, module]) {
    assert.equal(await place.evaluate(() => origin), "null");
    const came = Object.entries(await place.evaluate(tries, laptop.origin));
    assert.deepEqual(came.filter(([, what]) => what === "done"), [], "each is refused");
  }
  assert.deepEqual(popups, []);
  assert.equal(laptop.page.url(), address);
  assert.deepEqual(answered.filter((url) => new URL(url).search), []);
  // And what it is there for it does.
  await shown(laptop).getByRole("button", { name: "a.txt", exact: true }).click();
  await shown(laptop).getByText("a", { exact: true }).waitFor();
});

/** Puts a later version of a module into a build, which breaks down on each file; who builds it signs it. */
async function breaks(release, name) {
  const assets = path.join(release.assets, "assets");
  const names = await readdir(assets);
  const listed = names.find((file) => /^previews-.*\.json$/.test(file));
  const { modules } = JSON.parse(await readFile(path.join(assets, listed), "utf8"));
  const { [name]: module, ...others } = JSON.parse(modules);
  await release.changes(module.script.url, (script) => `${script};wasm_bindgen.open = wasm_bindgen.begin = () => { throw new Error("a later version") };`);
  const sha256 = createHash("sha256").update(await readFile(path.join(release.assets, module.script.url))).digest("hex");
  const text = JSON.stringify({ ...others, [name]: { ...module, script: { ...module.script, sha256 } } });
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const signature = sign(null, Buffer.from(text), privateKey).toString("base64");
  await release.changes(`/assets/${listed}`, () => JSON.stringify({ modules: text, signature }));
  const viewer = names.find((file) => /^viewer-.*\.js$/.test(file));
  await release.changes(`/assets/${viewer}`, (script) => {
    const key = new RegExp(`(?<=[^\\w-])[\\w-]{43}(?=[^\\w-])`, "g");
    assert.equal(script.match(key)?.length, 1, "the page has one key");
    return script.replace(key, publicKey.export({ format: "jwk" }).x);
  });
  await release.isSigned();
}

test("a module that breaks down on three files is given up for the version that opened files before", async (t) => {
  const { w, release } = await replaceable(t);
  const laptop = await w.firstDevice("laptop");
  const names = ["one", "two", "three", "four"];
  await brings(w, laptop, Object.fromEntries(names.map((name) => [`${name}.zip`, makeZip([[`${name}.txt`, name]])])));
  await laptop.isReadyForPreviewsOffline();
  const isShown = (name) => shown(laptop).getByRole("button", { name: `${name}.txt`, exact: true }).waitFor();
  await laptop.enters("one.zip");
  await isShown("one");
  // It is kept for the day when a later one is worse.
  await laptop.until(async () => (await (await caches.open("previews")).keys()).length === 2);
  await back(laptop);

  await breaks(release, "archive");
  await laptop.page.evaluate(() => navigator.serviceWorker.controller.postMessage({ type: "check" }));
  const loaded = laptop.page.waitForEvent("load");
  await laptop.page.getByRole("status").filter({ hasText: "new version" }).getByRole("button", { name: "Reload" }).click();
  await loaded;
  // Names of scripts go by what is in them; here they stay, and a browser that runs on has the old ones.
  await laptop.end();
  await laptop.startsAgain();
  await laptop.opens();
  for (const name of ["one", "two", "one", "three"]) {
    await laptop.enters(`${name}.zip`);
    await alert(laptop).filter({ hasText: "broke down" }).waitFor();
    await back(laptop);
  }
  for (const name of ["four", "one"]) {
    await laptop.enters(`${name}.zip`);
    await isShown(name);
    await back(laptop);
  }
  await laptop.reloads();
  await laptop.enters("two.zip");
  await isShown("two");
});
