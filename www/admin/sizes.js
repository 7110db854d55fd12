// Sizes as people write and read them.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const GB = 1e9;

/** Bytes with three digits, as the app shows them. */
export function sizeOf(bytes) {
  let [size, unit] = [bytes, 0];
  for (; size >= 999.5 && unit < UNITS.length - 1; unit += 1) size /= 1000;
  const digits = unit === 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  return `${size.toFixed(digits)} ${UNITS[unit]}`;
}

/** The gigabytes of a limit, to be edited; nothing is none. */
export function gigabytesOf(bytes) {
  return bytes === null ? "" : (bytes / GB).toFixed(9).replace(/\.?0+$/, "");
}

/** The bytes of a limit that somebody wrote; nothing is none, and `undefined` is no number that can be meant. */
export function bytesOf(gigabytes) {
  const text = gigabytes.trim().replace(",", ".");
  if (text === "") return null;
  const bytes = Math.round(Number(text) * GB);
  return /^\d*\.?\d+$/.test(text) && Number.isSafeInteger(bytes) ? bytes : undefined;
}
