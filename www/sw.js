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
