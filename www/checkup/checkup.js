// The page at `/checkup`: asks (`checks.js`) and shows, line by line. It is the server's own page and no part
// of the app: it comes from the server as it is, holds nothing, and looks at nothing that is on the device.

import { CHECKS, checks } from "./checks.js";
import { textsOf } from "./texts.js";

const texts = textsOf(navigator.language);

const world = {
  fetch: (path, options) => fetch(path, options),
  WebSocket,
  now: () => Date.now(),
  clock: () => performance.now(),
  location,
  isSecureContext,
  protocolOf: (path) => performance.getEntriesByName(new URL(path, location.href).href).at(-1)?.nextHopProtocol,
};

const lines = new Map(CHECKS.map(([name]) => [name, line(name)]));
const sum = make("p", "grow");
sum.setAttribute("role", "status");
const again = make("button", "button", texts.again);
const about = make("p", "hint");

function show() {
  document.documentElement.lang = texts === textsOf("zh") ? "zh" : "en";
  document.title = `Offing: ${texts.title}`;
  const list = make("ul", "findings");
  list.setAttribute("aria-label", texts.title);
  list.append(...lines.values());
  const head = make("div", "cluster");
  again.type = "button";
  again.addEventListener("click", run);
  head.append(sum, again);
  document.getElementById("page").append(make("h1", "", texts.title), make("p", "", texts.lead), head, list, about);
}

async function run() {
  again.disabled = true;
  sum.textContent = texts.sums.busy;
  for (const name of lines.keys()) fill(name, "busy", "");
  const counts = { good: 0, warn: 0, wrong: 0 };
  await checks(world, (name, { grade, says, about }) => {
    counts[grade] += 1;
    const text = texts.checks[name][says] ?? texts[says];
    fill(name, grade, typeof text === "function" ? text(about) : text);
    if (name === "reached") tellVersions(about.version);
  });
  sum.textContent = counts.wrong + counts.warn ? texts.sums.bad(counts.wrong, counts.warn) : texts.sums.good;
  again.disabled = false;
}

async function tellVersions(version) {
  const app = await fetch("/release.json", { cache: "no-store" })
    .then((response) => response.json())
    .then(({ release }) => JSON.parse(release).version)
    .catch(() => texts.noApp);
  about.textContent = version ? texts.about(version, app) : "";
}

function line(name) {
  const item = make("li", "finding");
  item.append(make("span", "pill"), make("h2", "", texts.checks[name].title), make("p"));
  return item;
}

function fill(name, grade, text) {
  const [pill, , words] = lines.get(name).children;
  pill.className = `pill ${grade}`;
  pill.textContent = texts.grades[grade];
  // What stands between backquotes is to be typed as it is.
  words.replaceChildren(...text.split("`").map((part, at) => (at % 2 ? make("code", "kbd", part) : part)));
}

function make(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

show();
run();
