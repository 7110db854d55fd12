// Passkeys: what the browser's authenticators make and sign, as the server reads it.
//
// Which authenticator it is is not asked, nor that it checks who is there: the password has been proved.

import { Refused } from "./calls.js";

/** What a browser waits for somebody's finger. */
const PATIENCE_MS = 120_000;

/** Whether this browser has any. */
export const canPasskeys = () => "PublicKeyCredential" in globalThis;

/** Makes one; what the server wants to hear of it. */
export async function makes(started, name) {
  const publicKey = {
    challenge: fromBase64(started.challenge),
    rp: { id: started.rp_id, name: "Offing" },
    user: { id: fromBase64(started.user), name: started.username, displayName: started.username },
    pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: "public-key", alg })),
    excludeCredentials: started.credentials.map(known),
    authenticatorSelection: { residentKey: "discouraged", userVerification: "discouraged" },
    attestation: "none",
    timeout: PATIENCE_MS,
  };
  const { response } = await asked(() => navigator.credentials.create({ publicKey }));
  return {
    name,
    client_data: toBase64(response.clientDataJSON),
    authenticator_data: toBase64(response.getAuthenticatorData()),
  };
}

/** Has one sign what a sign-in is asked for. */
export async function signs({ challenge, rp_id, credentials }) {
  const publicKey = {
    challenge: fromBase64(challenge),
    rpId: rp_id,
    allowCredentials: credentials.map(known),
    userVerification: "discouraged",
    timeout: PATIENCE_MS,
  };
  const { rawId, response } = await asked(() => navigator.credentials.get({ publicKey }));
  return {
    credential: toBase64(rawId),
    client_data: toBase64(response.clientDataJSON),
    authenticator_data: toBase64(response.authenticatorData),
    signature: toBase64(response.signature),
  };
}

const known = (credential) => ({ type: "public-key", id: fromBase64(credential) });

/** The browser says why by the name of what it throws. */
async function asked(work) {
  try {
    return await work();
  } catch ({ name }) {
    throw new Refused(name === "InvalidStateError" ? "has_passkey" : "no_passkey");
  }
}

/** Bytes as the server writes them: base64url without padding. */
export function toBase64(bytes) {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}
