// An address at which the browser itself reads a source, in the ranges that it wants: pictures,
// sound and video.
//
// The service worker answers there with what this page reads for it: it holds no key, and when
// the browser has ended it meanwhile it asks again for the port. Where no service worker
// stands before the page, a small source is a blob.

import { whole } from "./source.js";

/** A message keeps the service worker for half a minute. */
const KEEPALIVE_MS = 20_000;

/**
 * Gives a source an address, until `end` is called.
 *
 * @param {import("./source.js").Source} source
 * @param {string} type its media type
 * @returns {Promise<{ url: string, end(): void }>}
 */
export async function addressOf(source, type) {
  const workers = navigator.serviceWorker;
  if (!workers?.controller) {
    const url = URL.createObjectURL(new Blob([await whole(source)], { type }));
    return { url, end: () => URL.revokeObjectURL(url) };
  }
  const token = crypto.randomUUID();
  const ports = new Set();
  const offer = () => {
    const { port1, port2 } = new MessageChannel();
    ports.add(port1);
    port1.onmessage = ({ data: [id, start, end] }) => answer(port1, id, source.read(start, end));
    workers.controller?.postMessage({ type: "media", token, size: source.size, mime: type, port: port2 }, [port2]);
  };
  const hear = ({ data }) => data?.type === "media" && data.token === token && offer();
  workers.addEventListener("message", hear);
  offer();
  const alive = setInterval(() => workers.controller?.postMessage({ type: "keepalive" }), KEEPALIVE_MS);
  const end = () => {
    clearInterval(alive);
    workers.removeEventListener("message", hear);
    workers.controller?.postMessage({ type: "media", token });
    for (const port of ports) port.close();
  };
  return { url: `/_media/${token}`, end };
}

async function answer(port, id, reading) {
  try {
    const bytes = await reading;
    const own = bytes.buffer.byteLength === bytes.length ? bytes : bytes.slice();
    port.postMessage([id, own], [own.buffer]);
  } catch {
    port.postMessage([id]);
  }
}
