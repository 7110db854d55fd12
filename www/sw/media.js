// Pictures, sound and video: what a page reads for this worker, in the ranges that the browser
// wants. The same message asks a page for a port, after the browser ended this worker.

export const MEDIA_PREFIX = "/_media/";
const TOKEN_WAIT_MS = 10_000;
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

/** Takes over what is at a token, or hears that it is over. */
export function note({ token, size, mime, port }) {
  if (port && sources.has(token)) {
    // It was asked for before its first offer came, and is read already.
    port.close();
    return;
  }
  sources.get(token)?.end();
  sources.delete(token);
  if (!port) awaited.get(token)?.settle(null);
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
function ask(clientId, token) {
  if (awaited.has(token)) return awaited.get(token).answer;
  if (awaited.size >= MEDIA_MAX) return null;
  const asked = {};
  asked.answer = new Promise((resolve) => (asked.settle = resolve));
  // It waits from here on: what the page offers by itself may come while the page is looked for.
  awaited.set(token, asked);
  const late = setTimeout(() => asked.settle(null), TOKEN_WAIT_MS);
  asked.answer.then(() => {
    clearTimeout(late);
    awaited.delete(token);
  });
  self.clients.get(clientId).then((client) => (client ? client.postMessage({ type: "media", token }) : asked.settle(null)));
  return asked.answer;
}

/** Answers with what is at a token, or with a range of it. */
export async function media(event, token) {
  const { request, clientId } = event;
  const headers = new Headers({
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
  });
  if (!MEDIA_FOR.includes(request.destination)) return new Response("", { status: 404, headers });
  const source = sources.get(token) ?? (await ask(clientId, token));
  // A player takes this for an error as well. One that is being left must not be one in the console too.
  if (!source) return new Response(null, { status: 204, headers });
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
