// Downloads: a page hands over a stream, and a hidden frame asks for it at an address.

export const DOWNLOAD_PREFIX = "/_download/";
const TOKEN_WAIT_MS = 10_000;
const DOWNLOADS_MAX = 64;

/** token → the stream that a page handed over, or who waits for it. */
const streams = new Map();
const waiting = new Map();

/** Takes a stream over; says whether it is one. */
export function offer({ token, name, size, stream }) {
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

/** Answers with the stream that was handed over for an address. */
export async function download(event, url) {
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
