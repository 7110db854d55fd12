// Versions of the app, as the page sees them: a new one is offered, one that cannot be believed is
// told, and one that did not start too.
//
// The service worker looks, verifies and keeps (`www/sw`); this asks it to, now and then, and shows
// what it says. Before a version is taken, the page saves what was typed and ends its engine.

import { hashOf } from "../sw/trust.js";
import { textsOf } from "./texts.js";

/** How often the server is asked for a new version at most, while the page stays open. */
const ASK_MS = 60 * 60 * 1000;
/** How long the service worker is given to answer, and a later script to take over. */
const ANSWER_MS = 10_000;

const workers = navigator.serviceWorker;
/** What is known: of the service worker's answer, and whether a later script of it waits. */
let known = {};
let shows = () => {};
let page;
let listens = false;

/** What the page is asked; the numbers are those of `app_version.rs`. */
const SETTLE = 0;
const DEVICE = 1;

/**
 * Shows in a region what there is to say of versions, from now on. The page has started when it calls
 * this. Asked to settle, it saves what was typed and ends the engine, or answers that it cannot now; asked
 * for the device, it answers its id, if somebody is signed in.
 */
export function watches(region, asks) {
  page = asks;
  shows = () => region.replaceChildren(...lines());
  shows();
  if (listens || !workers) return;
  listens = true;
  listen().catch((error) => console.info("no news of versions:", String(error)));
}

async function listen() {
  const hadWorker = Boolean(workers.controller);
  workers.addEventListener("message", ({ data }) => data?.type === "release" && hear(data));
  // The first script of a browser takes over too, and is no news.
  workers.addEventListener("controllerchange", () => hadWorker && hear({ behind: true }));
  const registration = await workers.ready;
  if (hadWorker) {
    hear(await ask({ type: "started" }));
    const comes = () => judge(registration).catch((error) => console.info(String(error)));
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", comes);
      comes();
    });
    if (registration.waiting) comes();
    else look();
  }
  // A page that stays open for days asks when somebody comes back to it.
  let last = Date.now();
  addEventListener("focus", () => {
    if (Date.now() - last < ASK_MS) return;
    last = Date.now();
    look();
    registration.update().catch(() => {});
  });
}

async function look() {
  // A server that is away is asked another time.
  if (!navigator.onLine) return;
  const news = await ask({ type: "check" }).catch(() => ({}));
  hear(news);
  const device = news.asksWho && (await page(DEVICE));
  if (device) hear(await ask({ type: "check", device }).catch(() => ({})));
}

/**
 * Offers a script of the service worker that the browser has installed, or says that it is not one
 * that the signer named. A server that shows this page another than the browser is not found out so.
 */
async function judge({ installing, waiting }) {
  if (!installing && !waiting) return;
  await look();
  const response = await fetch("/sw.js", { cache: "no-store" });
  if (!response.ok) return;
  const stranger = (await hashOf(await response.arrayBuffer())) !== known.worker;
  hear({ stranger, waiting: Boolean(waiting) && !stranger });
}

function hear({ unknown, taken, ...news }) {
  // A later script that does not understand this page any more says so.
  known = { ...known, ...news, behind: known.behind || news.behind || Boolean(unknown || taken) };
  shows();
}

/** Asks the service worker; answers what it says. */
async function ask(message) {
  const worker = workers.controller ?? (await workers.ready).active;
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve, reject) => {
    port1.onmessage = ({ data }) => (data.reason ? reject(new Error(data.reason)) : resolve(data));
    setTimeout(() => reject(new Error("no answer")), message.type === "check" ? ASK_MS : ANSWER_MS);
  });
  worker.postMessage(message, [port2]);
  return answer.finally(() => port1.close());
}

/** Saves what was typed and loads the page anew, in the version that waits. */
async function take() {
  if (!(await page(SETTLE))) return;
  await ask({ type: "take" }).catch((error) => console.info(String(error)));
  const { waiting } = await workers.ready;
  if (waiting && known.waiting) {
    const changed = new Promise((resolve) => workers.addEventListener("controllerchange", resolve, { once: true }));
    waiting.postMessage({ type: "activate" });
    await Promise.race([changed, new Promise((resolve) => setTimeout(resolve, ANSWER_MS))]);
  }
  location.reload();
}

// ---------------------------------------------------------------- what is shown

function* lines() {
  const { ready, waiting, behind, refused, wentBack, stranger } = known;
  const texts = textsOf(document.documentElement.lang);
  if (stranger) yield banner("alert", texts.stranger);
  if (ready || waiting || behind) {
    const text = ready || waiting ? texts.ready : texts.behind;
    yield banner("status", text, button(texts.reload, take));
  }
  if (wentBack) {
    const dismiss = () => {
      hear({ wentBack: false });
      ask({ type: "dismiss" }).catch(() => {});
    };
    yield banner("status", texts.wentBack, button(texts.dismiss, dismiss));
  }
  if (refused?.key) yield banner("alert", texts.key, button(texts.more, () => explain(texts, refused.key)));
  else if (refused) yield banner("alert", texts.damaged);
}

/** Says what another signer means, and lets the person take the version all the same. */
function explain(texts, key) {
  const dialog = make("dialog", "dialog");
  dialog.setAttribute("aria-label", texts.title);
  const keep = button(texts.keep, () => dialog.close());
  const anyway = button(texts.anyway, async () => {
    dialog.close();
    hear(await ask({ type: "check", anyway: key }).catch(() => ({})));
  });
  anyway.classList.add("danger");
  const foot = make("div", "dialog-actions");
  foot.append(anyway, keep);
  const print = make("p", "kbd", key);
  dialog.append(make("h2", "", texts.title), make("p", "", texts.explain), make("p", "", texts.ask), print, foot);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  keep.focus();
}

function banner(role, text, ...buttons) {
  const line = make("div", role === "alert" ? "banner danger" : "banner");
  line.setAttribute("role", role);
  line.append(make("span", "grow", text), ...buttons);
  return line;
}

function button(text, does) {
  const element = make("button", "button", text);
  element.type = "button";
  element.addEventListener("click", does);
  return element;
}

function make(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
