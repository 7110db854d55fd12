// Calls that a script of a page makes itself, below /api/v1. The session's cookie authorises them, where they want one;
// no script sees it.

const PREFIX = "/api/v1";
const PATIENCE_MS = 30_000;

/** A call that was refused; `code` is the server's word for why, "silent" if it did not answer. */
export class Refused extends Error {
  constructor(code, waitMs = 0) {
    super(code);
    this.code = code;
    this.waitMs = waitMs;
  }
}

/** Makes a call; its answer, or null where it has none. */
export async function call(method, path, body) {
  const options = { method, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
  if (body) Object.assign(options, { headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const response = await fetch(PREFIX + path, options).catch(() => {
    throw new Refused("silent");
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.code ?? `HTTP ${response.status}`, answer.retry_after_ms);
  return answer;
}
