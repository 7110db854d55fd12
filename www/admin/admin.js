// The page at `/admin`, for whoever keeps the server. It is the server's own page and no part of the app: it holds no
// key, and there is nothing here to read but what the server itself knows.
//
// A link's secret stands in the address's fragment; it is taken out of there before anything else is done.

import * as calls from "./calls.js";
import { button, dialog, field, make, sentence } from "./elements.js";
import { bytesOf, gigabytesOf, sizeOf } from "./sizes.js";
import { textsOf } from "./texts.js";

const texts = textsOf(navigator.language);
const page = document.getElementById("page");
const date = new Intl.DateTimeFormat(navigator.language, { dateStyle: "medium" });
const moment = new Intl.DateTimeFormat(navigator.language, { dateStyle: "medium", timeStyle: "short" });

document.documentElement.lang = texts === textsOf("zh") ? "zh" : "en";
document.title = `Offing: ${texts.title}`;

/** The name of the button that was pressed last. */
let pressed = "";
const nameOf = (button) => button.getAttribute("aria-label") ?? button.textContent;
page.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) pressed = nameOf(button);
});
document.addEventListener("close", refocus, true);

/** What was pressed is there anew when the page is: who uses keys goes on from it. */
function refocus() {
  if (!pressed || document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
  const same = [...page.querySelectorAll("button")].find((button) => nameOf(button) === pressed);
  (same ?? page.querySelector("h1"))?.focus();
}

async function start() {
  const secret = location.hash.slice(1);
  if (secret) {
    history.replaceState(null, "", location.pathname);
    try {
      await calls.enter(secret);
    } catch (error) {
      return showLocked(error.code === "wrong_credentials" ? texts.wrongLink : told(error));
    }
  }
  await show();
}

/** Asks for everything and shows it; with nobody in, what to do. */
async function show() {
  if (!page.hasChildNodes()) page.append(make("p", "hint", texts.loading));
  try {
    const [server, accounts] = [await calls.server(), await calls.accounts()];
    page.replaceChildren(head(), facts(server), release(server.release), list(accounts, server.registration !== "closed"));
    refocus();
  } catch (error) {
    if (error.code === "signed_out") showLocked(page.querySelector("h2") && texts.ended);
    else page.replaceChildren(alert(told(error)), button(texts.refresh, show));
  }
}

function showLocked(why) {
  const command = make("p", "kbd", texts.command);
  const parts = [make("h1", "", texts.lockedTitle), make("p", "", texts.locked), command, make("p", "", texts.lockedMore)];
  page.replaceChildren(...(why ? [alert(why)] : []), ...parts);
}

/** Does something, shows what is so then, and tells what went wrong. */
async function does(work) {
  try {
    await work();
    await show();
  } catch (error) {
    if (error.code === "signed_out") return showLocked(texts.ended);
    page.querySelector('[role="alert"]')?.remove();
    page.prepend(alert(told(error)));
  }
}

function told(error) {
  if (error.code === "signed_out") return texts.ended;
  return texts.failures[error.code] ?? texts.failures.other(error.code ?? String(error));
}

function alert(text) {
  const banner = make("p", "banner danger", text);
  banner.setAttribute("role", "alert");
  return banner;
}

// ---------------------------------------------------------------- sections

function head() {
  const line = make("div", "cluster");
  const buttons = make("div", "cluster");
  const leaves = () => calls.leave().then(() => showLocked(), (error) => page.prepend(alert(told(error))));
  buttons.append(button(texts.refresh, show), button(texts.leave, leaves));
  line.append(Object.assign(make("h1", "", texts.title), { tabIndex: -1 }), buttons);
  return line;
}

function section(title, ...content) {
  const all = make("section", "stack");
  all.setAttribute("aria-label", title);
  all.append(make("h2", "", title), ...content);
  return all;
}

function facts(server) {
  const list = make("dl", "facts");
  const scrubbed = texts.scrubbed(server.scrubbed_chunks, sizeOf(server.scrubbed_bytes));
  const scrub = server.scrub_faults ? texts.faults(server.scrub_faults) : scrubbed;
  const rows = { version: server.version, accounts: String(server.accounts), registration: texts.registration[server.registration], scrub };
  if (server.disk_bytes !== null) rows.disk = texts.disk(sizeOf(server.disk_free_bytes), sizeOf(server.disk_bytes));
  for (const [name, text] of Object.entries(rows)) list.append(make("dt", "", texts.facts[name]), sentence("dd", text));
  const checkup = Object.assign(make("a", "", texts.checkup), { href: "/checkup" });
  return section(texts.server, list, checkup);
}

function release(offered) {
  if (!offered) return section(texts.release, sentence("p", texts.noRelease));
  const { version, percent, devices, stopped } = offered;
  if (stopped) return section(texts.release, make("p", "", texts.stopped(version, stopped)));
  const input = Object.assign(make("input"), { type: "number", min: 0, max: 100, value: percent, required: true });
  const form = make("form", "row-form");
  const set = Object.assign(make("button", "button", texts.set), { type: "submit" });
  form.append(field(texts.share, input), set, button(texts.stop, asksToStop));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    does(() => calls.share(Number(input.value)));
  });
  return section(texts.release, make("p", "", texts.offered(version, percent, devices)), form);
}

function list(accounts, mayInvite) {
  const rows = make("ul", "findings");
  rows.setAttribute("aria-label", texts.accounts);
  rows.append(...accounts.map(row));
  const all = section(texts.accounts, accounts.length ? rows : make("p", "", texts.nobody));
  const line = make("div", "cluster");
  all.prepend(line);
  line.append(all.querySelector("h2"));
  if (mayInvite) line.append(button(texts.invite, invites, "button primary"));
  return all;
}

function row(account) {
  const { username, used_bytes, quota_bytes, created_ms, closed, second_factor } = account;
  const item = make("li", "finding");
  const pill = make("span", closed ? "pill wrong" : "pill good", closed ? texts.closed : texts.open);
  const used = texts.used(sizeOf(used_bytes), quota_bytes === null ? null : sizeOf(quota_bytes));
  const words = make("p", "", `${used}; ${texts.made(date.format(created_ms))}`);
  const buttons = make("div", "account-buttons");
  const closing = closed
    ? button(texts.reopen, () => does(() => calls.open(username)))
    : button(texts.close, () => asksToClose(username), "button danger-text");
  buttons.append(
    button(texts.limit, () => asksForLimit(account)),
    button(texts.sessions, () => showsSessions(username)),
    ...(second_factor ? [button(texts.factorOff, () => asksForFactorOff(username))] : []),
    closing,
  );
  for (const each of buttons.children) each.setAttribute("aria-label", `${each.textContent} ${username}`);
  item.append(pill, make("h3", "", username), words, buttons);
  return item;
}

// ---------------------------------------------------------------- dialogs

const cancel = { text: texts.cancel, className: "button" };

function asksToClose(username) {
  const closes = { text: texts.closeDo, className: "button danger", does: () => calls.close(username).then(show) };
  dialog(texts.closeTitle(username), [make("p", "", texts.closeText)], [cancel, closes], told);
}

function asksForFactorOff(username) {
  const does = () => calls.secondFactorOff(username).then(show);
  dialog(texts.factorOffTitle(username), [make("p", "", texts.factorOffText)], [cancel, { text: texts.factorOffDo, className: "button danger", does }], told);
}

function asksToStop() {
  const stops = { text: texts.stopDo, className: "button danger", does: () => calls.stop().then(show) };
  dialog(texts.stopTitle, [make("p", "", texts.stopText)], [cancel, stops], told);
}

function asksForLimit({ username, quota_bytes }) {
  const input = Object.assign(make("input"), { inputMode: "decimal", autocomplete: "off", value: gigabytesOf(quota_bytes) });
  const saves = async () => {
    const bytes = bytesOf(input.value);
    if (bytes === undefined) throw new calls.Refused("wrong_size");
    await calls.limit(username, bytes);
    await show();
  };
  const save = { text: texts.save, className: "button primary", does: saves };
  dialog(texts.limitTitle(username), [make("p", "", texts.limitText), field(texts.gigabytes, input)], [cancel, save], told);
  input.focus();
}

async function showsSessions(username) {
  let sessions;
  try {
    sessions = await calls.sessions(username);
  } catch (error) {
    return does(() => Promise.reject(error));
  }
  const rows = make("ul", "sessions");
  for (const { device, signed_in_ms, used_ms } of sessions) {
    const item = make("li");
    item.append(make("code", "kbd", device), ` ${texts.session(moment.format(signed_in_ms), moment.format(used_ms))}`);
    rows.append(item);
  }
  const ends = async () => {
    const ended = await calls.signOut(username);
    rows.replaceChildren();
    return texts.signedOut(ended);
  };
  const content = sessions.length ? [rows, make("p", "hint", texts.signOutText)] : [make("p", "", texts.noSessions)];
  const signOut = { text: texts.signOut, className: "button danger-text", does: ends };
  const done = { text: texts.done, className: "button" };
  dialog(texts.sessionsTitle(username), content, sessions.length ? [signOut, done] : [done], told);
}

async function invites(pressed) {
  pressed.disabled = true;
  try {
    const link = await calls.invite();
    const input = Object.assign(make("input"), { readOnly: true, value: link });
    const copies = async () => {
      input.select();
      await navigator.clipboard.writeText(link);
      return texts.copied;
    };
    const buttons = [{ text: texts.copy, className: "button primary", does: copies }, { text: texts.done, className: "button" }];
    dialog(texts.inviteTitle, [make("p", "", texts.inviteText), field(texts.link, input)], buttons, told);
  } catch (error) {
    await does(() => Promise.reject(error));
  }
  pressed.disabled = false;
}

// A link that is opened where the page is open already loads nothing.
addEventListener("hashchange", () => location.hash && start());
start();
