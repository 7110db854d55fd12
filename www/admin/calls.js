// Calls of the page, below /api/v1/admin. The cookie authorises them; no script sees it.

import { call } from "../boot/calls.js";

export { Refused } from "../boot/calls.js";

/** Most accounts that are asked for; a server of more is kept by commands. */
const ACCOUNTS_MAX = 10_000;

const ask = (method, path, body) => call(method, `/admin${path}`, body);

export const enter = (secret) => ask("POST", "/enter", { secret });
export const leave = () => ask("POST", "/leave");
export const server = () => ask("GET", "/server");
export const limit = (username, quota_bytes) => ask("POST", "/limit", { username, quota_bytes });
export const close = (username) => ask("POST", "/close", { username });
export const open = (username) => ask("POST", "/open", { username });
export const sessions = async (username) => (await ask("POST", "/sessions", { username })).sessions;
export const signOut = async (username) => (await ask("POST", "/sign-out", { username })).sessions;
export const secondFactorOff = (username) => ask("POST", "/second-factor-off", { username });
export const invite = async () => (await ask("POST", "/invite")).link;
export const share = (percent) => ask("POST", "/release/share", { percent });
export const stop = () => ask("POST", "/release/stop");

/** All accounts, by name. */
export async function accounts() {
  const all = [];
  for (let more = true; more && all.length < ACCOUNTS_MAX; ) {
    const page = await ask("POST", "/accounts", { username: all.at(-1)?.username ?? "" });
    all.push(...page.accounts);
    more = page.more;
  }
  return all;
}
