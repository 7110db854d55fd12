// HTML as the page that it describes: drawn, and as dead as a picture.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import path from "node:path";
import { test } from "node:test";

import { makeZip } from "./support/archives.js";
import { uploads } from "./support/transfers.js";
import { world } from "./support/world.js";

const SPOT = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9' onload='top.ran=1'/%3E";

/** Somebody's server, which counts who asks it for anything. */
async function stranger(t) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { asked, at: `http://127.0.0.1:${server.address().port}` };
}

/** A page that tries what a page can try. */
const hostile = (at) => `<!doctype html>
<html lang="en" onclick="top.ran=self.ran=1"><head><title>Tides</title>
<meta http-equiv="refresh" content="0;url=${at}/refresh"><base href="${at}/" target="_top">
<link rel="stylesheet" href="${at}/style.css"><link rel="prefetch" href="${at}/prefetch"><link rel="dns-prefetch" href="${at}">
<link rel="preconnect" href="${at}"><link rel="icon" href="${at}/icon"><link rel="manifest" href="${at}/manifest"><script src="${at}/script.js"></script>
<style>@import url("${at}/import.css"); h1 { color: rgb(1, 2, 3) } body { background: url("${at}/background.png") }
@font-face { font-family: tide; src: url("${at}/font.woff2") } p { font-family: tide; cursor: url("${at}/cursor.png"), auto }</style>
<script>top.ran = self.ran = 1; open("${at}/open"); fetch("${at}/fetch"); top.location = "${at}/top"</script></head>
<body onload="top.ran=self.ran=1" onpageshow="top.ran=self.ran=1" background="${at}/body.png">
<h1 style="text-decoration: underline; --x: url(${at}/inline.png)" onmouseover="top.ran=1">High water</h1>
<p id="low" a"b=1 name="getElementById">Low water at <b>noon</b>. <a href="#deep">Depths</a> <a href="https://example.org/tides" target="_top" ping="${at}/ping">The tables</a>
<a href="javascript:top.ran=self.ran=1">Run</a> <a href="/settings">Settings</a></p>
<img id="spot" src="${SPOT}" alt="spot"><img src="${at}/img.png" srcset="${at}/set.png 2x" alt="sea" onerror="top.ran=self.ran=1" name="createElement">
<picture><source srcset="${at}/source.png"><img src="/icons/icon.svg" alt="our own"></picture>
<iframe src="${at}/frame" srcdoc="<script>top.ran=1</script>"></iframe><object data="${at}/object"></object><embed src="${at}/embed">
<video src="${at}/video" poster="${at}/poster" autoplay></video><audio src="${at}/audio" autoplay></audio>
<svg width="20" height="20" onload="top.ran=self.ran=1"><script>top.ran=self.ran=1</script><image href="${at}/svg.png" xlink:href="${at}/svgx.png"/>
<use href="${at}/use.svg#a"/><a href="javascript:top.ran=1"><circle cx="9" cy="9" r="9" fill="url(${at}/fill.svg#a)" filter="url(${at}/filter.svg#a)"/></a>
<animate attributeName="href" values="javascript:top.ran=1"/><foreignObject><iframe src="${at}/foreign"></iframe></foreignObject></svg>
<math><annotation-xml encoding="text/html"><iframe src="${at}/math"></iframe></annotation-xml></math>
<form action="${at}/form" method="post"><input name="word" autofocus onfocus="top.ran=self.ran=1" value="mine"><button formaction="${at}/button">Send</button></form>
<details open ontoggle="top.ran=self.ran=1"><summary>More</summary><x-tide onclick="top.ran=1">Spring tide</x-tide></details>
<template><img src="${at}/template.png"></template><noscript><img src="${at}/noscript.png" alt="">Without scripts</noscript>
<div style="height: 3000px"></div><p id="deep">Forty fathoms</p></body></html>`;

/** Nothing ran in any frame, nobody was asked, and what is drawn has no way to either. */
async function isDead(tab, frame, asked) {
  for (const one of tab.page.frames().slice(1)) {
    assert.deepEqual(await one.evaluate(() => [origin, globalThis.ran]), ["null", undefined]);
  }
  assert.equal(await tab.page.evaluate(() => globalThis.ran), undefined);
  const left = await frame.locator("html").evaluate((root) => {
    const bad = "script, style, link, base, meta[http-equiv=refresh], iframe, object, embed, video, audio, source, form, template, animate, image, foreignObject";
    const all = [root, ...root.querySelectorAll("body, body *")];
    const attributes = all.flatMap((one) => [...one.attributes].map(({ name, value }) => [name, value]));
    const leads = ([name, value]) => /^on|^(action|formaction|ping|poster|srcset|target|background|autofocus|name|srcdoc)$/.test(name) || (/href$/.test(name) && !value.startsWith("#"));
    return [...root.querySelectorAll(`body :is(${bad})`)].map((one) => one.localName).concat(attributes.filter(leads).map(String));
  });
  assert.deepEqual(left, []);
  assert.deepEqual(asked, []);
}

test("a page is drawn as it is written, and nothing in it runs, is asked for or leads away", async (t) => {
  const w = await world(t);
  const { asked, at } = await stranger(t);
  const laptop = await w.firstDevice("laptop");
  // What the policy refuses, it tells.
  laptop.expectsComplaint(/content security policy|@import rules are not allowed|Unsafe attempt to load URL/i);
  const html = hostile(at);
  const disk = await w.disk({ "tides.html": html, "papers.zip": makeZip([["tides.htm", html]]) });
  await uploads(laptop, ["tides.html", "papers.zip"].map((name) => path.join(disk, name)));
  await laptop.sees("tides.html", "papers.zip");
  const pages = laptop.page.context().pages().length;
  const address = () => laptop.page.url();

  await laptop.edits("tides.html");
  assert.equal(await laptop.preview.count(), 0, "its source is what one sees");
  const here = address();
  await laptop.presses("Preview");
  const frame = laptop.preview.locator("iframe").contentFrame();
  const heading = frame.getByRole("heading", { name: "High water" });
  await heading.waitFor();
  assert.deepEqual(await heading.evaluate((one) => [getComputedStyle(one).color, getComputedStyle(one).textDecorationLine]), ["rgb(1, 2, 3)", "underline"]);
  await frame.getByText("Spring tide").waitFor();
  await frame.getByText("Without scripts").waitFor();
  assert.equal(await frame.locator("#spot").evaluate((image) => image.decode().then(() => image.naturalWidth)), 9);
  assert.ok(await frame.getByRole("textbox").isDisabled());
  assert.ok(await frame.getByRole("button", { name: "Send" }).isDisabled());
  await laptop.photographs("an HTML page beside its text");

  await frame.getByRole("link", { name: "Depths" }).click();
  assert.ok((await frame.locator("html").evaluate((root) => root.scrollTop)) > 1000);
  const leads = laptop.page.getByRole("group", { name: "This link leads to" });
  await frame.getByRole("link", { name: "Run" }).press("Enter");
  await frame.getByRole("link", { name: "Settings" }).press("Enter");
  await frame.getByRole("link", { name: "The tables" }).click({ modifiers: ["Control"] });
  await leads.getByRole("link", { name: "https://example.org/tides" }).waitFor();
  await leads.getByRole("button", { name: "Close" }).click();
  await isDead(laptop, frame, asked);

  await laptop.typesAtStart("<h2>Neap</h2>");
  await frame.getByRole("heading", { name: "Neap" }).waitFor();
  await isDead(laptop, frame, asked);
  await laptop.presses("Preview");
  await laptop.preview.waitFor({ state: "hidden" });
  await laptop.leavesEditor();

  await laptop.enters("papers.zip");
  const packed = laptop.preview.locator("iframe").last().contentFrame();
  await packed.getByRole("button", { name: "tides.htm", exact: true }).click();
  await packed.getByRole("heading", { name: "High water" }).waitFor();
  await isDead(laptop, packed, asked);
  await laptop.preview.getByRole("button", { name: "Text", exact: true }).click();
  await packed.getByText("<iframe src=").first().waitFor();
  assert.deepEqual(asked, []);
  assert.notEqual(address(), here);
  assert.equal(laptop.page.context().pages().length, pages, "no window was opened");
});

test("a page that is too large or nested without end is shown as far as it may be, and the app goes on", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  // What packs too well is taken for a bomb.
  const numbers = Array.from({ length: 150_000 }, (_, hour) => hour * 7919);
  const disk = await w.disk({
    "papers.zip": makeZip([
      ["deep.html", `<!-- ${numbers.slice(0, 5000)} -->${"<div>".repeat(5000)}the bottom`],
      ["many.html", numbers.map((number) => `<i>${number}</i>`).join("")],
      ["good.html", "<p>All is well.</p>"],
    ]),
  });
  await uploads(laptop, [path.join(disk, "papers.zip")]);
  await laptop.sees("papers.zip");
  await laptop.enters("papers.zip");
  const frame = laptop.preview.locator("iframe").last().contentFrame();
  const opens = (name) => frame.getByRole("button", { name, exact: true }).press("Enter");
  const back = () => laptop.preview.getByRole("button", { name: "Back to the archive" }).click();
  await opens("deep.html");
  await frame.getByText("the bottom").waitFor();
  await back();
  await opens("many.html");
  await laptop.preview.getByRole("alert").filter({ hasText: "too large for a preview" }).waitFor();
  await back();
  await opens("good.html");
  await frame.getByText("All is well.").waitFor();
});
