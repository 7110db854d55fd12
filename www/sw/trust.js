// What a release is, and whether this device may go on to it.
//
// `/release.json` is `{ release, key, signature, rotations }`. The text `release` names every file
// of a build by its hash and is signed by `key`; each of `rotations` says, signed by an earlier key,
// which key comes after it. This decides and remembers nothing; `releases.js` keeps what this device
// believes in. `docs/format.md` has the layout.

/** What the messages between page and service worker are; raised when an older worker would not do. */
export const PROTOCOL = 1;
export const FORMAT = 1;
export const RELEASE_LABEL = "offing release 1\n";
export const ROTATION_LABEL = "offing release key 1\n";

const ALGORITHM = { name: "Ed25519" };
const HASH = /^[0-9a-f]{64}$/;
const FILES_MAX = 4_096;
const ROTATIONS_MAX = 64;
/** How long a start may take before it counts as failed, once the next one begins. */
const START_MS = 20_000;
const FAILED_STARTS_MAX = 2;

/** A release that is not taken: `damaged`, or `key` if this device does not know the signer. */
export class Refused extends Error {
  constructor(reason, key = null) {
    super(`a release was refused: ${reason}`);
    Object.assign(this, { reason, key });
  }
}

/**
 * Opens `/release.json`: the release, and the keys in whose name it is signed, its own first and
 * then those that were exchanged for it.
 */
export async function open(text) {
  const [signed, release] = parsed(text);
  const genuine = await verifies(signed.key, signed.signature, RELEASE_LABEL + signed.release);
  if (!genuine || !isRelease(release)) throw new Refused("damaged");
  const keys = [signed.key];
  const rotations = Array.isArray(signed.rotations) ? signed.rotations.slice(-ROTATIONS_MAX) : [];
  for (const { from, to, signature } of rotations.reverse()) {
    if (keys.includes(to) && (await verifies(from, signature, ROTATION_LABEL + to))) keys.push(from);
  }
  return { release, keys };
}

/** Whether a release is one to go on to, from what this device has and believes. */
export function isNext({ release, keys }, { key, current, bad }) {
  if (release.version === current.version || bad.includes(release.version)) return false;
  if (!keys.includes(key)) throw new Refused("key", keys[0]);
  return release.number > current.number && release.needs <= PROTOCOL;
}

/** Whether a version that is for some devices is for this one, by its lot or by its name. */
export async function isMeant({ version, percent, allow }, lot, name) {
  const drawn = parseInt((await hashOf(encoded(`${lot} ${version}`))).slice(0, 8), 16) % 100;
  return drawn < percent || allow.includes(name);
}

/** The hash of some bytes, as releases name it. */
export async function hashOf(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The trial of a version that was just taken: no start has failed yet, and none is under way. */
export const TRIAL = { failed: 0, since: null };

/**
 * The trial after one more page was given out. One that never said that it started has failed, but
 * only when there was time for it: several tabs may open at once.
 */
export function begun({ failed, since }, now) {
  if (since === null) return { failed, since: now };
  return now - since < START_MS ? { failed, since } : { failed: failed + 1, since: now };
}

/** The trial after a page said that it did not start. */
export function failed(trial) {
  return { failed: trial.failed + 1, since: null };
}

/** Whether the version is to be given up. */
export function isOver(trial) {
  return trial.failed >= FAILED_STARTS_MAX;
}

function parsed(text) {
  try {
    const signed = JSON.parse(text);
    return [signed, { ...JSON.parse(signed.release) }];
  } catch {
    throw new Refused("damaged");
  }
}

function isRelease({ format, number, version, needs, worker, files, idle, lazy }) {
  const groups = [files, idle, lazy].map((group) => Object.entries(group ?? {}));
  const named = groups.flat();
  return (
    format === FORMAT &&
    Number.isSafeInteger(number) &&
    Number.isSafeInteger(needs) &&
    /^[0-9a-f]{16}$/.test(version) &&
    HASH.test(worker) &&
    named.length <= FILES_MAX &&
    named.every(([url, hash]) => url.startsWith("/") && HASH.test(hash)) &&
    Boolean(files?.["/index.html"])
  );
}

async function verifies(key, signature, text) {
  try {
    const imported = await crypto.subtle.importKey("raw", decoded(key), ALGORITHM, false, ["verify"]);
    return await crypto.subtle.verify(ALGORITHM, imported, decoded(signature), encoded(text));
  } catch (error) {
    // A browser that cannot tell must not say that somebody forged it.
    if (error.name === "NotSupportedError") throw error;
    return false;
  }
}

const encoded = (text) => new TextEncoder().encode(text);

function decoded(base64url) {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
