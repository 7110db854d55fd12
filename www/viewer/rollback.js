// Which version of a module this device runs: the current one, or the last that was good
// where the current one keeps breaking down.
//
// A record is `{ good, failing, files }`: hashes of the version that last opened a file and
// of one that broke down, and the files on which it did, without one between that it
// opened. Pure functions; `modules.js` keeps the record.

import { FAILURES_MAX } from "./limits.js";

/** The version to run: the current one, or the one before it. */
export function choose(record, current) {
  const { good, failing, files = [] } = record ?? {};
  const bad = failing === current && files.length >= FAILURES_MAX;
  return bad && good && good !== current ? good : current;
}

/** The record after a version opened a file. */
export function worked(record, version) {
  const { failing, files = [] } = record ?? {};
  // The version before opens files too while the current one stays set aside.
  if (failing && failing !== version) return { good: version, failing, files };
  return { good: version, failing: null, files: [] };
}

/** The record after a version broke down on a file; the same file counts once. */
export function failed(record, version, file) {
  const { good = null, failing, files = [] } = record ?? {};
  // One that was set aside for another: that it fails too does not bring it back.
  if (failing && failing !== version && good === version) return record;
  const before = failing === version ? files : [];
  const after = before.includes(file) ? before : [...before, file].slice(-FAILURES_MAX);
  return { good, failing: version, files: after };
}
