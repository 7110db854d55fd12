// Who else has a text open, and where: two devices see each other come, move and go.

import assert from "node:assert/strict";
import { test } from "node:test";

import { world } from "./support/world.js";

/** What browsers of these tests call themselves. */
const NAME = "Chrome on Linux is here too";

/** Who else is in the text of a device, for whoever looks or listens. */
const company = (device) => device.page.getByRole("list", { name: "Also here" });
const sees = (device) => company(device).getByRole("listitem", { name: NAME, exact: true }).waitFor();
const seesNobody = (device) => company(device).waitFor({ state: "hidden" });
const button = (device) =>
  device.page.getByRole("toolbar", { name: "Text tools" }).getByRole("button", { name: /^Show who else is here/ });

/** Waits until the other's cursor stands before this, with so much selected. */
async function seesCursorBefore(device, text, selected = "") {
  await device.until(([text, selected]) => {
    const { shadowRoot } = [...document.querySelectorAll("*")].find((one) => one.shadowRoot?.querySelector(".cm-content")) ?? {};
    const cursor = shadowRoot?.querySelector(".cm-content .visitor");
    if (!cursor) return false;
    const line = cursor.closest(".cm-line");
    const rest = document.createRange();
    rest.setStartAfter(cursor);
    rest.setEndAfter(line.lastChild);
    const marked = [...shadowRoot.querySelectorAll(".visitor-selection")].map((one) => one.innerText).join("");
    return rest.toString() === text && marked.startsWith(selected) && Boolean(selected) === Boolean(marked);
  }, [text, selected]);
}

/** A phone and a laptop that have one text open. */
async function inOneText(t) {
  const w = await world(t);
  const phone = await w.firstDevice("phone");
  await phone.createsText("tide.txt", "high water at noon");
  await phone.isOnServer();
  const laptop = await w.nextDevice("laptop");
  await laptop.sees("tide.txt");
  await phone.edits("tide.txt");
  await laptop.edits("tide.txt");
  return { w, phone, laptop };
}

test("two devices that have a text open see each other's cursor come, move and go", async (t) => {
  const { phone, laptop } = await inOneText(t);
  await sees(phone);
  await sees(laptop);
  await laptop.page.getByRole("status").filter({ hasText: NAME }).waitFor();
  await phone.editor.click();
  await phone.page.keyboard.press("Control+Home");
  await seesCursorBefore(laptop, "high water at noon");
  for (let n = 0; n < 5; n++) await phone.page.keyboard.press("ArrowRight");
  await seesCursorBefore(laptop, "water at noon");
  await phone.page.keyboard.press("Control+Shift+ArrowRight");
  await seesCursorBefore(laptop, " at noon", "water");
  await laptop.photographs("another's cursor in a text");

  // Typing before it moves it along, here at once and there when it arrives.
  await laptop.typesAtStart("the ");
  await seesCursorBefore(laptop, " at noon", "water");
  await phone.reads("the high water");
  await seesCursorBefore(laptop, " at noon", "water");
  await laptop.page.keyboard.press("Control+End");
  await seesCursorBefore(phone, "");

  await phone.leavesEditor();
  await seesNobody(laptop);
  await phone.edits("tide.txt");
  await sees(laptop);
  await sees(phone);
});

test("whose line is cut fades, and who is offline sees nobody", async (t) => {
  const { w, phone, laptop } = await inOneText(t);
  await sees(phone);
  await sees(laptop);
  const tablet = await w.nextDevice("tablet");
  await tablet.edits("tide.txt");
  await company(phone).getByRole("listitem").nth(1).waitFor();
  // It has no time to say that it leaves.
  await tablet.isKilled();
  await company(phone).getByRole("listitem").nth(1).waitFor({ state: "detached" });
  await sees(phone);

  phone.serverMayBeGone();
  laptop.serverMayBeGone();
  await w.server.kill();
  await seesNobody(phone);
  await seesNobody(laptop);
  await phone.types(", offline");
  await w.server.restart();
  await sees(phone);
  await sees(laptop);
  await laptop.reads("at noon, offline");
});

test("who does not want to be seen sees nobody, in every text, until it is wanted again", async (t) => {
  const { phone, laptop } = await inOneText(t);
  await sees(phone);
  await sees(laptop);
  await button(phone).click();
  await seesNobody(phone);
  await seesNobody(laptop);
  await phone.leavesEditor();
  await phone.edits("tide.txt");
  assert.equal(await button(phone).getAttribute("aria-pressed"), "false");
  // It has been heard of if it says anything: what is typed there arrives.
  await phone.types(", unseen");
  await laptop.reads("at noon, unseen");
  await seesNobody(laptop);
  await button(phone).click();
  await sees(laptop);
  await sees(phone);
});
