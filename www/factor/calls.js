// Calls about second factors, which the page makes itself: those at a sign-in need its attempt's name and nothing
// else, the others go by the session's cookie, which no script sees.

const PREFIX = "/api/v1";
const PATIENCE_MS = 30_000;

/** A call that was refused; `code` is the server's word for why, "silent" if it did not answer. */
export class Refused extends Error {
  constructor(code, waitMs = 0) {
    super(code);
    this.code = code;
    this.waitMs = waitMs;
  }
}

async function call(method, path, body) {
  const options = { method, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
  if (body) Object.assign(options, { headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const response = await fetch(PREFIX + path, options).catch(() => {
    throw new Refused("silent");
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.code, answer.retry_after_ms);
  return answer;
}

/** What a sign-in is asked for. */
export const asked = (login) => call("POST", "/auth/factor/ask", { login });
/** Proves it. */
export const answer = (login, proof) => call("POST", "/auth/factor/answer", { login, proof });

/** What the account has. */
export const factors = () => call("GET", "/account/factors");
export const startApp = () => call("POST", "/account/factors/totp/start");
/** Spare codes, where there were none. */
export const finishApp = async (seed, code) =>
  (await call("POST", "/account/factors/totp/finish", { seed, code })).spare_codes;
export const removeApp = () => call("POST", "/account/factors/totp/remove");
export const startPasskey = () => call("POST", "/account/factors/passkeys/start");
/** Spare codes, where there were none. */
export const finishPasskey = async (made) => (await call("POST", "/account/factors/passkeys/finish", made)).spare_codes;
export const removePasskey = (credential) => call("POST", "/account/factors/passkeys/remove", { credential });
export const renewSpareCodes = async () => (await call("POST", "/account/factors/spare-codes")).spare_codes;
