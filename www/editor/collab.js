// One document's side of CodeMirror's collaboration protocol.
//
// The engine is the authority: it orders updates and numbers them. This side has
// at most one push under way; what is typed meanwhile goes with the next. What the
// engine accepted, one's own included, comes back by `receive`; until then it is
// unconfirmed here and is rebased over what others did in between.
//
// Several updates are pushed as they are and not composed into one: the protocol
// confirms them one for one, and the engine seals a whole batch as one entry anyway.
//
// Knows no DOM, so that a plain test can run it.

import { collab, getSyncedVersion, receiveUpdates, sendableUpdates } from "@codemirror/collab";
import { ChangeSet } from "@codemirror/state";

/** How many updates one push carries at most; the rest follows with the next. */
export const PUSH_UPDATES_MAX = 256;

/** The extension that keeps count of what the engine has and has not accepted. */
export function collaboration(version, clientId) {
  return collab({ startVersion: version, clientID: clientId });
}

/** Keeps one push under way at a time, and takes in what the engine accepted. */
export class Pusher {
  #inFlight = false;
  #onUpdates;

  /** `onUpdates(version, [{clientID, changes}])` hands over; `changes` is JSON text. */
  constructor(onUpdates) {
    this.#onUpdates = onUpdates;
  }

  /** Hands over what is unconfirmed, unless a push is under way. */
  push(state) {
    if (this.#inFlight) return;
    const pending = sendableUpdates(state).slice(0, PUSH_UPDATES_MAX);
    if (pending.length === 0) return;
    this.#inFlight = true;
    this.#onUpdates(
      getSyncedVersion(state),
      pending.map(({ clientID, changes }) => ({ clientID, changes: JSON.stringify(changes) })),
    );
  }

  /** Lets the next push go: the last one was lost on its way. */
  release() {
    this.#inFlight = false;
  }

  /**
   * Makes the transaction for updates that the engine accepted, the first of which
   * follows `version`.
   *
   * Updates that were seen before are skipped. Returns null where nothing is left,
   * and throws a `RangeError` where some are missing: then the text must be opened anew.
   *
   * Whatever arrives ends the push under way: either it is the push itself, or the
   * engine had moved on before it saw the push, which it then refused as a whole.
   */
  receive(state, version, updates) {
    const synced = getSyncedVersion(state);
    if (version > synced) {
      throw new RangeError(`updates ${synced} to ${version} are missing`);
    }
    const fresh = updates.slice(synced - version);
    if (fresh.length === 0) return null;
    this.#inFlight = false;
    return receiveUpdates(
      state,
      fresh.map((update) => ({ ...update, changes: ChangeSet.fromJSON(JSON.parse(update.changes)) })),
    );
  }
}
