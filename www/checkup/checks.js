// What is asked of a server, and what is made of its answers.
//
// Each check asks through a `world` (`fetch`, `WebSocket`, `now`, `clock`, `location`, `isSecureContext`, `protocolOf`)
// and answers `{ grade, says, about }`: the words are in `texts.js` under the check's name and `says`, and
// `about` fills them in. A check throws where its call did not come through at all. Nothing here is remembered.

const API = "/api/v1/checkup";
/** Less than the time by which a device renews its tokens before they end. */
const CLOCK_MS_MAX = 30_000;
/** A device sends larger bodies than a chunk where the line carries them in about a second; so does this. */
const FAST_MS = 1_000;
const ANSWER_MS = 20_000;
const BODY_MS = 180_000;
const EDGE_MS = 5_000;

const GOOD = "good";
const WARN = "warn";
const WRONG = "wrong";

/** The checks, in the order in which they are shown. `seen` is what the server knows of the first call. */
export const CHECKS = [
  ["secure", ({ world }) => secure(world)],
  ["reached", ({ seen }) => (seen ? found(GOOD, "good", seen) : found(WRONG, "wrong"))],
  ["address", needs(({ world, seen }) => address(world, seen))],
  ["callers", needs(({ seen }) => callers(seen))],
  ["headers", needs(({ world, seen }) => headers(world, seen))],
  ["passed", needs(({ seen }) => passed(seen))],
  ["files", needs(({ world }) => files(world))],
  ["fresh", needs(({ world }) => fresh(world))],
  ["body", needs(({ world, seen }) => body(world, seen))],
  ["pieces", needs(({ world, seen }) => pieces(world, seen))],
  ["live", needs(({ world }) => live(world))],
  ["clock", needs(({ world, seen, asked }) => clock(world, seen, asked))],
  ["http", needs(({ world, seen }) => http(world, seen))],
  ["edges", needs(({ world, seen }) => edges(world, seen))],
];

/** Asks everything, and tells each finding as `tells(name, finding)` as soon as it is there. */
export async function checks(world, tells) {
  const asked = { from: world.clock() };
  const seen = await look(world).catch(() => null);
  asked.until = world.clock();
  for (const [name, check] of CHECKS) {
    tells(name, await finding(check, { world, seen, asked }));
  }
}

async function finding(check, told) {
  try {
    return await check(told);
  } catch (error) {
    if (error instanceof TooOften) return found(WARN, "often");
    return found(WRONG, "failed", { error: String(error) });
  }
}

function needs(check) {
  return (told) => (told.seen ? check(told) : found(WARN, "unknown"));
}

function found(grade, says, about = {}) {
  return { grade, says, about };
}

// ---------------------------------------------------------------- asking

/** The server refused since this address has asked too much, which says nothing about what is between. */
class TooOften extends Error {}

async function ask(world, path, options = {}, patience = ANSWER_MS) {
  const response = await world.fetch(path, { cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(patience), ...options });
  if (response.status === 429 || response.status === 503) {
    const refusal = await response.clone().json().catch(() => ({}));
    if (["rate_limited", "unavailable"].includes(refusal.code)) throw new TooOften();
  }
  return response;
}

async function look(world) {
  const response = await ask(world, API, { headers: { authorization: "Bearer checkup", range: "bytes=0-0" } });
  const seen = await response.json();
  return response.ok && Array.isArray(seen.headers) ? seen : null;
}

// ---------------------------------------------------------------- the checks

function secure({ isSecureContext, location }) {
  if (location.protocol === "https:") return found(GOOD, "good");
  return isSecureContext ? found(GOOD, "local") : found(WRONG, "wrong");
}

function address({ location }, { host, public_url }) {
  const about = { host, public_url, here: location.origin };
  const isPublic = public_url === location.origin;
  if (host !== location.host && !isPublic) return found(WRONG, "wrong", about);
  return isPublic ? found(GOOD, "good", about) : found(WARN, "other", about);
}

function callers({ callers: way }) {
  return found(way === "direct" || way === "told" ? GOOD : WARN, way);
}

/** Compares what the server sent with what came, of a call, the page of the app and a file. */
async function headers(world, seen) {
  const answers = [await ask(world, API), await ask(world, "/", { method: "HEAD" })];
  const file = await hashedFile(world).catch(() => null);
  if (file) answers.push(await ask(world, file, { method: "HEAD" }));
  const gone = new Set();
  const changed = new Set();
  for (const answer of answers) {
    for (const { name, value } of seen.headers) {
      const came = answer.headers.get(name);
      if (came === null) gone.add(name);
      else if (withoutHash(came) !== value) changed.add(name);
    }
  }
  const names = (set) => [...set].sort().join(", ");
  const about = { gone: names(gone), changed: names(changed) };
  if (gone.size) return found(WRONG, changed.size ? "both" : "gone", about);
  return changed.size ? found(WRONG, "changed", about) : found(GOOD, "good");
}

/** The policy of the app's page names one script more, by its hash. */
function withoutHash(policy) {
  return policy.replace(/ 'sha256-[A-Za-z0-9+/=]+'/, "");
}

function passed({ heard }) {
  const gone = ["authorization", "range"].filter((name) => !heard.includes(name));
  return gone.length ? found(WRONG, "gone", { gone: gone.join(", ") }) : found(GOOD, "good");
}

/** The address of some file that is for ever. */
async function hashedFile(world) {
  const { release } = await (await ask(world, "/release.json")).json();
  return Object.keys(JSON.parse(release).files).find((path) => path.startsWith("/assets/"));
}

/** The files of the app: there, as what they are, and kept for as long as they may be. */
async function files(world) {
  const file = await hashedFile(world).catch(() => null);
  // `HEAD` is what no service worker answers.
  const worker = await ask(world, "/sw.js", { method: "HEAD" });
  const isScript = /javascript/.test(worker.headers.get("content-type"));
  if (!file || !worker.ok || !isScript) return found(WRONG, "missing");
  if (keeps(worker)) return found(WRONG, "kept", { name: "/sw.js" });
  const hashed = await ask(world, file, { method: "HEAD" });
  if (!hashed.ok) return found(WRONG, "missing");
  const cache = hashed.headers.get("cache-control") ?? "";
  return cache.includes("immutable") ? found(GOOD, "good") : found(WARN, "short", { cache });
}

/** Says whether somebody may answer from a cache without asking the server. */
function keeps(response) {
  const cache = response.headers.get("cache-control") ?? "";
  return !/no-cache|no-store/.test(cache) || Number(response.headers.get("age")) > 0;
}

/** Two calls must have two answers. */
async function fresh(world) {
  const answers = [await ask(world, API), await ask(world, API)];
  const [one, two] = answers.map((answer) => answer.headers.get("x-request-id"));
  if ((one && one === two) || answers.some(keeps)) return found(WRONG, "kept");
  return found(GOOD, "good");
}

async function body(world, { bodies_bytes }) {
  let bytes = 0;
  for (const next of bodies_bytes) {
    const from = world.clock();
    const refused = await sends(world, next);
    if (refused) return found(WRONG, bytes ? "batch" : "chunk", { bytes: next, status: refused });
    bytes = next;
    if (world.clock() - from > FAST_MS) break;
  }
  return found(GOOD, bytes === bodies_bytes.at(-1) ? "good" : "slow", { bytes });
}

/** Sends so many bytes; answers why they did not all come, if they did not. */
async function sends(world, bytes) {
  const options = { method: "POST", headers: { "content-type": "application/octet-stream" }, body: new Uint8Array(bytes) };
  try {
    const response = await ask(world, `${API}/body`, options, BODY_MS);
    if (!response.ok) return `HTTP ${response.status}`;
    const { received_bytes } = await response.json();
    return received_bytes === bytes ? null : `${received_bytes}`;
  } catch (error) {
    if (error instanceof TooOften) throw error;
    return String(error);
  }
}

async function pieces(world, { pieces_ms }) {
  const response = await ask(world, `${API}/pieces`);
  if (!response.ok) return found(WRONG, "failed", { error: `HTTP ${response.status}` });
  if (response.headers.get("content-encoding")) return found(WARN, "packed");
  let [first, last] = [null, null];
  for (const reader = response.body.getReader(); ; ) {
    const { done } = await reader.read();
    if (done) break;
    last = world.clock();
    first ??= last;
  }
  return last - first >= pieces_ms / 2 ? found(GOOD, "good") : found(WARN, "held");
}

async function live(world) {
  const socket = new world.WebSocket(`${world.location.origin}${API}/live`.replace("http", "ws"));
  const said = "is anybody there?";
  const heard = new Promise((resolve) => {
    const gives = (value) => {
      clearTimeout(patience);
      resolve(value);
    };
    const patience = setTimeout(gives, ANSWER_MS, null);
    socket.onopen = () => socket.send(said);
    socket.onmessage = ({ data }) => gives(data);
    socket.onerror = socket.onclose = () => gives(null);
  });
  const answer = await heard;
  socket.close();
  return answer === JSON.stringify({ received_bytes: said.length }) ? found(GOOD, "good") : found(WRONG, "wrong");
}

function clock(world, { now_ms }, { from, until }) {
  // When the server looked is known within the time that the call took.
  const here = world.now() - (world.clock() - (from + until) / 2);
  const apart = Math.abs(here - now_ms) - (until - from) / 2;
  const seconds = Math.round(Math.max(0, apart) / 1000);
  return apart > CLOCK_MS_MAX ? found(WARN, here > now_ms ? "ahead" : "behind", { seconds }) : found(GOOD, "good");
}

function http(world, { http: inner }) {
  const outer = world.protocolOf(API);
  const about = { outer: NAMES[outer] ?? outer, inner: `HTTP/${inner}` };
  const isOld = outer === "http/1.1" && world.location.protocol === "https:";
  return isOld ? found(WARN, "old", about) : found(GOOD, outer ? "good" : "hidden", about);
}

/** The edges that the server names: each has to answer pages of this address. */
async function edges(world, { edges: named = [], public_url }) {
  if (!named.length) return found(GOOD, "none");
  if (public_url !== world.location.origin) return found(WARN, "elsewhere", { public_url });
  const took = await Promise.all(named.map((url) => way(world, url).catch(() => null)));
  const silent = named.filter((_, nth) => took[nth] === null);
  const ways = named.map((url, nth) => `${url} (${took[nth]} ms)`);
  return silent.length ? found(WRONG, "silent", { silent: silent.join(", ") }) : found(GOOD, "good", { ways: ways.join(", ") });
}

/** How many milliseconds away an edge is. */
async function way(world, url) {
  let from;
  // The first answer has the connection in it.
  for (let round = 0; round < 2; round++) {
    from = world.clock();
    const response = await ask(world, `${url}/edge/status`, { credentials: "omit", redirect: "error" }, EDGE_MS);
    if (!((await response.json()).load >= 0)) throw new Error("no edge");
  }
  return Math.round(world.clock() - from);
}

const NAMES = { "http/1.1": "HTTP/1.1", h2: "HTTP/2", h3: "HTTP/3" };
