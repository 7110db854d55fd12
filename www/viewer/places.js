// How far a person got in sound, video and books, by the file's address; kept on this device.

const KEY = "offing.places";
/** How many files are remembered, the last ones. */
const PLACES_MAX = 100;

/** The second of a film or the block of a book at which to go on. */
export function of(address) {
  return read().find(([of]) => of === address)?.[1] ?? 0;
}

export function keep(address, at) {
  write([...without(address), [address, Math.floor(at)]].slice(-PLACES_MAX));
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
