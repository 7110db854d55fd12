// Which version of the app this device runs: kept, looked for, taken, given up.
//
// Each version is a cache of its own, filled with files whose hashes a signed release names. The
// state beside them says which one is shown, which was before it (tabs that are open go on with it, and
// a new one that does not start is given up for it), and which is ready to be taken. The key that
// this device believes is the one of its first visit; only a person, or its own signature, changes it.
//
// State: { key, lot, name, current, previous, ready: { release, key }, trial, bad, refused, wentBack, worker },
// where releases are as `trust.js` opens them, and `worker` is the service worker's script that the signer
// named last. Lot and name are for a version that is for some devices only: a
// number that this one drew, and the hash of its id. Both stay here; the server says who is meant, and
// the device sees whether it is.

import { begun, failed, hashOf, isMeant, isNext, isOver, open, Refused, TRIAL } from "./trust.js";

const PREFIX = "offing-";
const STATE_CACHE = `${PREFIX}state`;
const STATE = "/state";
const RELEASE = "/release.json";
/** Where the server has the version that some devices are offered first. */
const NEXT = "/next";
const NEXT_FOR = "/api/v1/release";
const STARTS = "/api/v1/release/starts";
/** Versions that did not start here, of which no more is wanted. */
const BAD_MAX = 16;
const GROUPS = ["files", "idle", "lazy"];
/** Files that are fetched at a time while there is nothing else to do: many are small. */
const IDLE_AT_ONCE = 8;

const cacheOf = (release) => caches.open(PREFIX + release.version);
const held = (known) => [known?.current, known?.previous].filter(Boolean);
const hashIn = (release, url) => GROUPS.map((group) => release[group]?.[url]).find(Boolean);

// ---------------------------------------------------------------- state

let reading;

/** What this device has, or null before its first visit. */
function state() {
  reading ??= read().catch((error) => {
    reading = undefined;
    throw error;
  });
  return reading;
}

async function read() {
  const stored = await (await caches.open(STATE_CACHE)).match(STATE);
  return stored ? stored.json() : null;
}

async function write(next) {
  await (await caches.open(STATE_CACHE)).put(STATE, new Response(JSON.stringify(next)));
  reading = Promise.resolve(next);
  return next;
}

let line = Promise.resolve();

/** Does one thing after the other, so that none writes over what another read. */
function alone(work) {
  const done = line.then(work);
  line = done.catch(() => {});
  return done;
}

// ---------------------------------------------------------------- what is shown

/** Every address of the app is the same page, of the version that is current. */
export async function page(request) {
  let known = await state();
  if (known?.ready && !(await windows()).length) known = await take();
  if (known?.trial) known = await alone(tries);
  const stored = known && (await (await cacheOf(known.current)).match("/index.html"));
  return stored ?? fetch(request);
}

/** A file of the current version, or of the one before, which older tabs may still run. */
export async function asset(event, path) {
  const known = await state();
  const releases = held(known);
  for (const release of releases) {
    const response = await (await cacheOf(release)).match(path);
    if (response) return response;
  }
  const release = releases.find((one) => hashIn(one, path));
  if (!release) {
    // Nothing that no release names is run in the place of what one does.
    return releases.length && path.startsWith("/assets/") ? Response.error() : fetch(event.request);
  }
  const response = await genuine(path, hashIn(release, path));
  const copy = response.clone();
  // What is loaded on demand works offline from then on. A browser that is full still shows it.
  event.waitUntil(cacheOf(release).then((cache) => cache.put(path, copy)).catch(() => {}));
  return response;
}

/** Stores what works offline too, but is too much for the first moments. */
export async function storeIdle() {
  const known = await state();
  if (!known) return;
  const cache = await cacheOf(known.current);
  const held = new Set((await cache.keys()).map(({ url }) => new URL(url).pathname));
  const missing = Object.entries(known.current.idle).filter(([url]) => !held.has(url));
  while (missing.length) {
    const next = missing.splice(0, IDLE_AT_ONCE);
    await Promise.all(next.map(async ([url, hash]) => cache.put(url, await genuine(url, hash))));
  }
}

// ---------------------------------------------------------------- what is new

/** The first visit believes whoever it meets; later ones ask for a signature. */
export const begin = () =>
  alone(async () => {
    if (await state()) return;
    const { release, keys } = await open(await text(RELEASE));
    await store(release, []);
    const nothing = { previous: null, ready: null, trial: null, bad: [], refused: null, wentBack: false };
    await write({ key: keys[0], worker: release.worker, lot: crypto.randomUUID(), current: release, ...nothing });
  });

let checking;

/**
 * Looks what the server offers, and fetches of it what is new. `anyway` is a key that a person chose,
 * `device` this device's id, where the page knows it.
 */
export function check({ anyway, device } = {}) {
  if (anyway || device) return look(anyway, device);
  checking ??= look().finally(() => (checking = undefined));
  return checking;
}

async function look(anyway, device) {
  if (device) {
    const name = await hashOf(new TextEncoder().encode(device));
    await alone(async () => write({ ...(await state()), name }));
  }
  // A signer of a person's choice counts by numbers of their own.
  const believes = (known) => (anyway ? { ...known, key: anyway, current: { ...known.current, number: 0 } } : known);
  let [offered, refused, worker] = [null, null, null];
  try {
    const known = await state();
    for (const at of await places(known)) {
      const found = await open(await text(at + RELEASE));
      if (!at && found.keys.includes(known.key)) worker = found.release.worker;
      if (offered || !isNext(found, believes(known))) continue;
      await store(found.release, held(known), at);
      offered = found;
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    [offered, refused] = [null, { reason: error.reason, key: error.key }];
  }
  await alone(async () => {
    const known = await state();
    const isReady = offered && isNext(offered, believes(known));
    const ready = isReady ? { release: offered.release, key: offered.keys[0] } : null;
    await write({ ...known, ready, refused, worker: worker ?? known.worker });
    filling = undefined;
    await sweep();
  });
  await tell();
}

/** Whether some devices are named, and this one does not know its name. */
let asksWho = false;

/** Where there may be something new for this device, the best first. */
async function places({ lot, name }) {
  // A server of another version knows of no such offer.
  const answer = await fetched(NEXT_FOR, "no-store").catch((error) => {
    if (error.status !== 404) throw error;
  });
  const next = (await answer?.json())?.next;
  asksWho = Boolean(next?.allow.length) && !name;
  return next && (await isMeant(next, lot, name)) ? [NEXT, ""] : [""];
}

/** Says once how a version started, and nothing else. */
function reports(version, good) {
  const request = { method: "POST", credentials: "omit", headers: { "content-type": "application/json" } };
  fetch(STARTS, { ...request, body: JSON.stringify({ version, good }) }).catch(() => {});
}

/** Goes on to the version that is ready; it is on trial until it says that it has started. */
export const take = () =>
  alone(async () => {
    const known = await state();
    if (!known.ready) return known;
    const { release, key } = known.ready;
    const next = { ...known, key, current: release, previous: known.current, ready: null, trial: TRIAL };
    await write({ ...next, refused: null, wentBack: false });
    await sweep();
    return state();
  });

/** The current version has started, so it stays. */
export const started = () =>
  alone(async () => {
    const known = await state();
    if (!known?.trial) return;
    await write({ ...known, trial: null });
    reports(known.current.version, true);
  });

/** The current version did not start; says whether it was given up for the one before. */
export const notStarted = () =>
  alone(async () => {
    const known = await state();
    if (!known?.trial) return false;
    const next = await judged({ ...known, trial: failed(known.trial) });
    return next.wentBack;
  });

/** The person has read that a version was given up. */
export const dismiss = () => alone(async () => write({ ...(await state()), wentBack: false }));

async function tries() {
  const known = await state();
  return known.trial ? judged({ ...known, trial: begun(known.trial, Date.now()) }) : known;
}

async function judged(known) {
  const { trial, current, previous, bad } = known;
  if (!isOver(trial) || !previous) return write(known);
  const given = { current: previous, previous: null, trial: null, ready: null, wentBack: true };
  reports(current.version, false);
  const next = await write({ ...known, ...given, bad: [...bad, current.version].slice(-BAD_MAX) });
  await sweep();
  return next;
}

/** Tells every page what there is to know of versions, and all but the one that took one of that. */
export async function tell(taker = null) {
  const known = await told();
  for (const client of await windows()) {
    client.postMessage({ type: "release", ...known, taken: taker !== null && client.id !== taker });
  }
}

/** What pages are told. */
export async function told() {
  const { ready, refused, wentBack, worker } = (await state()) ?? {};
  return { ready: Boolean(ready), refused: refused ?? null, wentBack: Boolean(wentBack), asksWho, worker };
}

const windows = () => self.clients.matchAll({ type: "window", includeUncontrolled: true });

// ---------------------------------------------------------------- files

/** The version that is being fetched, which no state names yet. */
let filling;

/**
 * What comes with a policy that its page or worker runs under, and that names the edges of its day: a copy would
 * keep those of an earlier one.
 */
const UNDER_POLICY = /^\/(index\.html|assets\/engine-[^/]+\.js)$/;

/** Fills the cache of a release: what an earlier one has is copied, the rest fetched. */
async function store(release, earlier, at = "") {
  filling = release;
  const cache = await cacheOf(release);
  const put = async ([url, hash], must) => {
    if (await cache.match(url)) return;
    const from = !UNDER_POLICY.test(url) && earlier.find((one) => hashIn(one, url) === hash);
    const stored = from && (await (await cacheOf(from)).match(url));
    if (stored || must) await cache.put(url, stored || (await genuine(url, hash, at)));
  };
  await Promise.all(Object.entries(release.files).map((named) => put(named, true)));
  await Promise.all(Object.entries(release.idle).map((named) => put(named, false)));
}

/** Forgets what is of no version that is still wanted. */
export async function sweep() {
  const known = await state();
  if (!known) return;
  const wanted = [...held(known), known.ready?.release, filling].filter(Boolean).map(({ version }) => PREFIX + version);
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== STATE_CACHE && !wanted.includes(name));
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** Fetches a file that is what its hash says, from below a place. */
async function genuine(url, hash, at = "") {
  // Hashed names never change their content; what came wrong once is asked for past all caches.
  const modes = url.startsWith("/assets/") && !UNDER_POLICY.test(url) ? ["default", "reload"] : ["reload"];
  for (const cache of modes) {
    const response = await fetched(at + url, cache);
    const bytes = await response.clone().arrayBuffer();
    if ((await hashOf(bytes)) === hash) return url === "/index.html" ? plainPage(bytes, response) : response;
  }
  throw new Refused("damaged");
}

/** What the server may say of the page beside its bytes; a header can also load or lead elsewhere. */
const HEADERS =
  /^(content-type|content-security-policy|cross-origin-.*|x-content-type-options|x-frame-options|referrer-policy|permissions-policy|origin-agent-cluster)$/;

function plainPage(bytes, { headers }) {
  return new Response(bytes, { headers: [...headers].filter(([name]) => HEADERS.test(name)) });
}

const text = async (url) => (await fetched(url, "no-cache")).text();

async function fetched(url, cache) {
  const response = await fetch(new Request(url, { cache, credentials: "omit" }));
  const { status } = response;
  if (!response.ok) throw Object.assign(new Error(`${url}: status ${status}`), { status });
  return response;
}
