// How far a person got in sound and video, by the file's address; kept on this device.

const KEY = "offing.places";
/** How many files are remembered, the last ones. */
const PLACES_MAX = 100;

/** The seconds into a file at which to go on. */
export function of(address) {
  return read().find(([of]) => of === address)?.[1] ?? 0;
}

export function keep(address, seconds) {
  write([...without(address), [address, Math.floor(seconds)]].slice(-PLACES_MAX));
}

export function forget(address) {
  const kept = read();
  const others = without(address);
  if (others.length < kept.length) write(others);
}

function without(address) {
  return read().filter(([of]) => of !== address);
}

/** @returns {[string, number][]} */
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(([of, at]) => typeof of === "string" && at >= 0) : [];
  } catch {
    return [];
  }
}

function write(places) {
  try {
    localStorage.setItem(KEY, JSON.stringify(places));
  } catch {
    // It is a convenience: where nothing can be stored, a film begins at its beginning.
  }
}
