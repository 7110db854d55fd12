// The service worker's shim: listeners, the offline shell, downloads. The rest is Rust,
// loaded lazily from Cache Storage when there is something to push.
//
// `/precache.js` is made by the build: the glue of the wasm module (`wasm_bindgen`) and
// `self.__PRECACHE = { version, files, idle, lazy, wasm }`. Its hash over all contents is what
// makes the browser see an update. This worker holds no key and needs no network to start.
//
// Messages from pages:
//   { type: "download", token, name, size, stream }   a transferred ReadableStream, handed
//       out once at /_download/<token>/<name>; an answer comes if a port came with it
//   { type: "media", token, size, mime, port }   what is at /_media/<token> while the page shows
//       it: [id, start, end] at the port is answered by [id, Uint8Array], or [id] if it cannot
//       be read. Without a port it is over. The same message asks a page for a port, after
//       the browser ended this worker
//   { type: "sync" }         push the outbox now, where there is no Background Sync
//   { type: "keepalive" }    sent every 20 s while a download runs: each message lets the
//       browser keep this worker, which has to pass the stream's bytes on
//   { type: "idle" }         the page has nothing to do: store the modules of previews
//   { type: "activate" }     the person agreed to the new version: take over at once
"use strict";

// Under `require-trusted-types-for` even an own script needs a policy.
if (self.trustedTypes && !self.trustedTypes.defaultPolicy) {
  self.trustedTypes.createPolicy("default", {
    createScriptURL: (url) => (url === "/precache.js" ? url : null),
  });
}
importScripts("/precache.js");

const { version, files, idle, wasm } = self.__PRECACHE;
const CACHE_PREFIX = "offing-";
const CACHE = CACHE_PREFIX + version;
const DOWNLOAD_PREFIX = "/_download/";
const MEDIA_PREFIX = "/_media/";
const TOKEN_WAIT_MS = 10_000;
const DOWNLOADS_MAX = 64;
/** What the server answers itself, whatever is cached. */
const SERVER_ONLY = ["/api/", "/healthz", "/readyz", "/sw.js", "/precache.js"];

// ---------------------------------------------------------------- the shell

self.addEventListener("install", (event) => {
  event.waitUntil(precache());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

async function precache() {
  const cache = await caches.open(CACHE);
  await Promise.all(
    [...files, ...idle].map(async (url) => {
      // Hashed names never change their content: keep what an older version fetched.
      const held = url.startsWith("/assets/") && (await caches.match(url));
      if (held) return cache.put(url, held);
      if (idle.includes(url)) return;
      const mode = url.startsWith("/assets/") ? "default" : "reload";
      const response = await fetch(new Request(url, { cache: mode }));
      if (!response.ok) throw new Error(`${url}: status ${response.status}`);
      return cache.put(url, response);
    }),
  );
}

/** Stores what works offline too, but is too much for the first moments. */
async function storeIdle() {
  const cache = await caches.open(CACHE);
  for (const url of idle) {
    if (!(await cache.match(url))) await cache.add(url);
  }
}

async function takeOver() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(CACHE_PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (SERVER_ONLY.some((path) => url.pathname.startsWith(path))) return;
  if (url.pathname.startsWith(DOWNLOAD_PREFIX)) {
    event.respondWith(download(event, url));
  } else if (url.pathname.startsWith(MEDIA_PREFIX)) {
    event.respondWith(media(event, url.pathname.slice(MEDIA_PREFIX.length)));
  } else if (request.mode === "navigate") {
    event.respondWith(shell(request));
  } else {
    event.respondWith(asset(event, url));
  }
});

/** Every address of the app is the same page, from the version that is installed. */
async function shell(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match("/index.html")) ?? (await cache.match("/")) ?? fetch(request);
}

async function asset(event, url) {
  const { request } = event;
  const cache = await caches.open(CACHE);
  const held = await cache.match(url.pathname);
  if (held) return held;
  const response = await fetch(request);
  // What is loaded on demand works offline from then on.
  if (response.ok && url.pathname.startsWith("/assets/") && !request.headers.has("range")) {
    // A browser that is full still shows it.
    event.waitUntil(cache.put(url.pathname, response.clone()).catch(() => {}));
  }
  return response;
}

// ---------------------------------------------------------------- downloads

/** token → the stream that a page handed over, or who waits for it. */
const streams = new Map();
const waiting = new Map();

function offer({ token, name, size, stream }) {
  if (typeof token !== "string" || !(stream instanceof ReadableStream)) return false;
  const wanted = waiting.get(token);
  if (wanted) {
    waiting.delete(token);
    wanted({ name, size, stream });
    return true;
  }
  if (streams.size >= DOWNLOADS_MAX) {
    // The oldest was never asked for.
    const [oldest, { stream: unused }] = streams.entries().next().value;
    streams.delete(oldest);
    unused.cancel("not asked for").catch(() => {});
  }
  streams.set(token, { name, size, stream });
  return true;
}

function claim(token) {
  const offered = streams.get(token);
  if (offered) {
    streams.delete(token);
    return Promise.resolve(offered);
  }
  if (waiting.size >= DOWNLOADS_MAX) return Promise.resolve(null);
  // Message and request race each other here from the page.
  return new Promise((resolve) => {
    waiting.set(token, resolve);
    setTimeout(() => {
      waiting.delete(token);
      resolve(null);
    }, TOKEN_WAIT_MS);
  });
}

async function download(event, url) {
  let ended;
  event.waitUntil(new Promise((resolve) => (ended = resolve)));
  const token = url.pathname.slice(DOWNLOAD_PREFIX.length).split("/")[0];
  const offered = await claim(token);
  if (!offered) {
    ended();
    return new Response("", { status: 404, headers: { "Cache-Control": "no-store" } });
  }
  const { name, size, stream } = offered;
  const headers = new Headers({
    "Content-Type": "application/octet-stream",
    "Content-Disposition": disposition(String(name ?? "download")),
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-store",
  });
  if (Number.isSafeInteger(size) && size >= 0) headers.set("Content-Length", String(size));
  return new Response(watched(stream, ended), { headers });
}

/** The same bytes, and a call when they ended in whatever way. */
function watched(stream, ended) {
  const reader = stream.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        ended();
      },
      cancel(reason) {
        ended();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** RFC 6266: a plain name for old readers, the true one as RFC 5987 has it. */
function disposition(name) {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const exact = encodeURIComponent(name.toWellFormed?.() ?? name).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}

// ---------------------------------------------------------------- pictures, sound, video

const MEDIA_MAX = 64;
/** Bytes that are asked of a page at once. */
const MEDIA_PIECE_BYTES = 1024 * 1024;
/** Who may ask: a page opened at such an address shows nothing. */
const MEDIA_FOR = ["image", "audio", "video"];

/** token → what a page reads for this worker, and who waits to hear of it. */
const sources = new Map();
const awaited = new Map();

class MediaSource {
  #waiting = new Map();
  #last = 0;

  constructor({ size, mime, port }) {
    Object.assign(this, { size, mime, port });
    port.onmessage = ({ data: [id, bytes] }) => {
      const { resolve, reject } = this.#waiting.get(id) ?? {};
      this.#waiting.delete(id);
      if (bytes) resolve?.(bytes);
      else reject?.(new Error("cannot be read now"));
    };
  }

  read(start, end) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.port.postMessage([id, start, end]);
    });
  }

  end() {
    this.port.close();
    for (const { reject } of this.#waiting.values()) reject(new Error("it is over"));
  }
}

function note({ token, size, mime, port }) {
  sources.get(token)?.end();
  sources.delete(token);
  if (!(port instanceof MessagePort) || !Number.isSafeInteger(size) || typeof mime !== "string") return;
  if (sources.size >= MEDIA_MAX) {
    const [oldest, source] = sources.entries().next().value;
    sources.delete(oldest);
    source.end();
  }
  const source = new MediaSource({ size, mime, port });
  sources.set(token, source);
  awaited.get(token)?.settle(source);
}

/** Asks the page that shows it: this worker may have been ended since it was told. */
async function ask(clientId, token) {
  const client = await self.clients.get(clientId);
  if (!client || awaited.size >= MEDIA_MAX) return null;
  let asked = awaited.get(token);
  if (!asked) {
    asked = {};
    asked.answer = new Promise((resolve) => (asked.settle = resolve));
    awaited.set(token, asked);
    setTimeout(() => asked.settle(null), TOKEN_WAIT_MS);
    asked.answer.then(() => awaited.delete(token));
    client.postMessage({ type: "media", token });
  }
  return asked.answer;
}

async function media(event, token) {
  const { request, clientId } = event;
  const headers = new Headers({
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
  });
  const source = MEDIA_FOR.includes(request.destination) && (sources.get(token) ?? (await ask(clientId, token)));
  if (!source) return new Response("", { status: 404, headers });
  const { size, mime } = source;
  const asked = request.headers.get("range");
  const range = asked === null ? { start: 0, end: size } : rangeOf(asked, size);
  if (!range) {
    headers.set("Content-Range", `bytes */${size}`);
    return new Response("", { status: 416, headers });
  }
  const { start, end } = range;
  headers.set("Content-Type", mime);
  headers.set("Accept-Ranges", "bytes");
  headers.set("Content-Length", String(end - start));
  if (asked !== null) headers.set("Content-Range", `bytes ${start}-${end - 1}/${size}`);
  return new Response(pieces(source, start, end), { status: asked === null ? 200 : 206, headers });
}

/** RFC 9110: the one range that a player asks for. */
function rangeOf(header, size) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (!first && !last) return null;
  const start = first ? Number(first) : Math.max(0, size - Number(last));
  const end = first && last ? Math.min(size, Number(last) + 1) : size;
  return start < end ? { start, end } : null;
}

/** A range as a stream that reads no more than is taken from it. */
function pieces(source, start, end) {
  let at = start;
  return new ReadableStream(
    {
      async pull(controller) {
        const bytes = await source.read(at, Math.min(end, at + MEDIA_PIECE_BYTES));
        if (!bytes.length) throw new Error("shorter than it was");
        at += bytes.length;
        controller.enqueue(bytes);
        if (at >= end) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

// ---------------------------------------------------------------- the outbox

let loading;

function load() {
  loading ??= (async () => {
    // From the cache first: this worker's own requests do not pass through itself.
    const cache = await caches.open(CACHE);
    await wasm_bindgen({ module_or_path: (await cache.match(wasm)) ?? fetch(wasm) });
  })().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function push() {
  await load();
  return wasm_bindgen.pushAll();
}

self.addEventListener("sync", (event) => {
  // A rejection makes the browser try again later.
  if (event.tag === "outbox") event.waitUntil(push());
});

self.addEventListener("message", (event) => {
  const message = event.data ?? {};
  const answer = (value) => event.ports[0]?.postMessage(value);
  switch (message.type) {
    case "download":
      answer({ ok: offer(message) });
      break;
    case "media":
      note(message);
      break;
    case "sync":
      event.waitUntil(
        push().then(
          (acked) => answer({ ok: true, acked }),
          (error) => answer({ ok: false, reason: String(error) }),
        ),
      );
      break;
    case "idle":
      // With no network, or no room, the next start tries again.
      event.waitUntil(storeIdle().catch(() => {}));
      break;
    case "activate":
      event.waitUntil(self.skipWaiting());
      break;
    case "keepalive":
      answer({ ok: true });
      break;
  }
});
