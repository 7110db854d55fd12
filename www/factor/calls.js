// Calls about second factors, which the page makes itself: those at a sign-in need its attempt's name and nothing
// else, the others go by the session's cookie, which no script sees.

import { call } from "../boot/calls.js";

export { Refused } from "../boot/calls.js";

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
