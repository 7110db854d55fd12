// The service worker's shim: listeners, and nothing that has to be waited for. The app's versions
// are kept by `releases.js`, what pages hand over by `downloads.js` and `media.js`; the outbox is Rust,
// loaded when there is something to push.
//
// The build makes one script of it and of the glue of its wasm module. It says nothing of the version
// of the app, so browsers find it unchanged through most of them: a version comes by a signed
// release, not by another script. This worker holds no key and needs no network to start.
//
// Messages from pages; each is answered at the port that comes with it:
//   { type: "download", token, name, size, stream }   a transferred ReadableStream, handed
//       out once at /_download/<token>/<name>
//   { type: "media", token, size, mime, port }   what is at /_media/<token> while the page shows
//       it: [id, start, end] at the port is answered by [id, Uint8Array], or [id] if it cannot
//       be read. Without a port it is over. The same message asks a page for a port, after
//       the browser ended this worker
//   { type: "sync" }         push the outbox now, where there is no Background Sync
//   { type: "keepalive" }    sent every 20 s while a download runs: each message lets the
//       browser keep this worker, which has to pass the stream's bytes on
//   { type: "idle" }         the page has nothing to do: store the modules of previews
//   { type: "check", anyway, device }   look for a new version; `anyway` is a signer that the person
//       chose, `device` this device's id, for an answer that `asksWho`. All pages hear
//       { type: "release", ready, refused, wentBack }
//   { type: "take" }         the person agreed to the new version; other pages hear `taken`
//   { type: "started" }, { type: "failed" }   the page came up, or did not
//   { type: "dismiss" }      the person has read that a version was given up
//   { type: "activate" }     this script is the later one, and takes over from the one before
// What else a page says is of a later script, and the answer tells it: { ok: false, unknown: true }.

import { DOWNLOAD_PREFIX, download, offer } from "./downloads.js";
import { MEDIA_PREFIX, media, note } from "./media.js";
import { push, storeModule, sweepModules } from "./push.js";
import * as releases from "./releases.js";

/** What the server answers itself, whatever is cached. */
const SERVER_ONLY = ["/api/", "/healthz", "/readyz", "/sw.js", "/release.json", "/admin", "/checkup"];

self.addEventListener("install", (event) => {
  event.waitUntil(Promise.all([storeModule(), releases.begin()]));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([sweepModules(), releases.sweep()]).then(() => self.clients.claim()));
});

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
    event.respondWith(releases.page(request));
  } else {
    event.respondWith(releases.asset(event, url.pathname));
  }
});

self.addEventListener("sync", (event) => {
  // A rejection makes the browser try again later.
  if (event.tag === "outbox") event.waitUntil(push());
});

/** What is done at each message; what it gives is the answer. */
const DOES = {
  download: (message) => ({ ok: offer(message) }),
  media: (message) => note(message),
  sync: async () => ({ ok: true, acked: await push() }),
  keepalive: () => ({ ok: true }),
  // With no network, or no room, the next start tries again.
  idle: () => releases.storeIdle().catch(() => {}),
  check: async (message) => {
    await releases.begin();
    await releases.check(message);
    return { ok: true, ...(await releases.told()) };
  },
  take: async (_, source) => {
    await releases.take();
    await releases.tell(source.id);
    return { ok: true };
  },
  started: async () => {
    await releases.started();
    return { ok: true, ...(await releases.told()) };
  },
  failed: async (_, source) => {
    if (await releases.notStarted()) await source.navigate(source.url);
  },
  dismiss: () => releases.dismiss(),
  activate: () => self.skipWaiting(),
};

self.addEventListener("message", (event) => {
  const message = event.data ?? {};
  const answer = (value) => event.ports[0]?.postMessage(value);
  if (!Object.hasOwn(DOES, message.type)) return answer({ ok: false, unknown: true });
  const does = async () => DOES[message.type](message, event.source);
  event.waitUntil(does().then((given) => given && answer(given), (error) => answer({ ok: false, reason: String(error) })));
});
