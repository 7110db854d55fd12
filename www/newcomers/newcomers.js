// What the page of sign-in says to somebody who has no account: the server knows who may sign up.

const en = { open: "Create an account", closed: "This server makes no new accounts." };
const zh = { open: "创建账户", closed: "此服务器不再创建新账户。" };

export const TEXTS = { en, zh };

/** Says in the place of what stands there, which is right where a link is wanted, what is so here. */
export async function tells(place) {
  const { registration } = await (await fetch("/api/v1/info", { credentials: "omit" })).json();
  place.replaceChildren(...said(registration, document.documentElement.lang, [...place.childNodes]));
}

/** What is said; `before` where nothing is known, as from a server of another version. */
export function said(registration, language, before) {
  const texts = language?.startsWith("zh") ? zh : en;
  if (registration === "closed") return [texts.closed];
  if (registration !== "open") return before;
  // What stands in the place of a link's token where none is wanted.
  return [Object.assign(document.createElement("a"), { className: "link", href: "/join#open", textContent: texts.open })];
}
