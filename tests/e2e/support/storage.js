// A device whose storage fails: every call of the engine's worker to IndexedDB and to the private
// file system is counted, and the one that is chosen fails as browsers' do.
//
// A page's scripts hand the engine its module; that message is held back until the worker's
// prototypes are wrapped, so the first call of the engine's is the first that is counted. A
// fault is `{ at, kind, lasts }`: which call, how it fails, and whether all after it do too.

/** How calls fail. What a kind cannot do to a call, it does as `unknown`. */
export const KINDS = ["full", "unknown", "lost", "busy", "unheard"];

/** In the page, before its scripts: what is said to the engine waits for `releaseEngine`. */
function holdEngine() {
  const released = new Promise((resolve) => (globalThis.releaseEngine = resolve));
  const Real = globalThis.Worker;
  globalThis.Worker = class extends Real {
    constructor(address, options) {
      super(address, options);
      if (options?.name !== "engine") return;
      const post = super.postMessage.bind(this);
      let open = false;
      released.then(() => (open = true));
      this.postMessage = (...message) => (open ? post(...message) : void released.then(() => post(...message)));
    }
  };
}

/** In the worker: wraps whatever can fail. */
function failStorage({ at, kind, lasts }) {
  const report = (self.storage = { calls: [], struck: null });
  const doomed = new WeakMap();
  const strikes = (name) => {
    const number = report.calls.push(name);
    const struck = at > 0 && (lasts ? number >= at : number === at);
    if (struck) report.struck ??= name;
    return struck;
  };
  const error = (name) => new DOMException("made by a test", name);
  const names = { full: "QuotaExceededError", unknown: "UnknownError", lost: "InvalidStateError", busy: "NoModificationAllowedError", unheard: "UnknownError" };
  const wrap = (prototype, name, make) => {
    const real = prototype?.[name];
    if (!real) return;
    prototype[name] = function (...given) {
      return make(this, () => real.apply(this, given), `${prototype[Symbol.toStringTag] ?? prototype.constructor.name}.${name}`);
    };
  };

  // A transaction that fails aborts as a whole, and says why.
  const abort = IDBTransaction.prototype.abort;
  const doom = (transaction, name) => {
    if (doomed.has(transaction)) return;
    doomed.set(transaction, name);
    Object.defineProperty(transaction, "error", { value: error(name) });
  };
  const ends = (transaction) => {
    try {
      abort.call(transaction);
    } catch {
      // It has ended by itself.
    }
  };
  for (const name of ["get", "getAll", "getAllKeys", "count", "put", "delete", "clear", "openKeyCursor"]) {
    wrap(IDBObjectStore.prototype, name, (store, real, said) => {
      const reads = !["put", "delete", "clear"].includes(name);
      const struck = strikes(said);
      const request = real();
      if (struck) {
        // Reading needs no space, and no table is busy.
        doom(store.transaction, names[kind === "busy" || (reads && kind === "full") ? "unknown" : kind]);
        setTimeout(() => ends(store.transaction));
      }
      return request;
    });
  }
  wrap(IDBDatabase.prototype, "transaction", (database, real, said) => {
    // The connection is gone, and nobody has heard of it.
    if (strikes(said)) database.close();
    return real();
  });
  wrap(IDBTransaction.prototype, "commit", (transaction, real, said) => {
    if (strikes(said) && !doomed.has(transaction)) {
      doom(transaction, names[kind === "busy" ? "unknown" : kind]);
      if (kind === "unheard") {
        // It is on the disk, and whoever wrote it hears that it failed.
        const { onabort } = transaction;
        transaction.oncomplete = onabort;
        return real();
      }
    }
    return doomed.has(transaction) ? ends(transaction) : real();
  });
  wrap(IDBFactory.prototype, "open", (factory, real, said) => {
    if (!strikes(said)) return real();
    const request = new EventTarget();
    Object.assign(request, { error: error(names[kind === "full" ? "full" : "unknown"]), transaction: null });
    // An upgrade that another tab blocks answers nothing at all.
    if (kind !== "busy") setTimeout(() => request.onerror?.(new Event("error")));
    return request;
  });

  // Files: what answers by a promise rejects, a handle throws.
  const promises = [
    [StorageManager.prototype, ["getDirectory"]],
    [FileSystemDirectoryHandle.prototype, ["getDirectoryHandle", "getFileHandle", "removeEntry"]],
    [FileSystemFileHandle.prototype, ["getFile", "createSyncAccessHandle"]],
  ];
  for (const [prototype, methods] of promises) {
    for (const name of methods) {
      wrap(prototype, name, (_, real, said) => (strikes(said) ? Promise.reject(error(names[kind])) : real()));
    }
  }
  for (const name of ["read", "getSize", "truncate", "flush"]) {
    wrap(FileSystemSyncAccessHandle.prototype, name, (_, real, said) => {
      if (strikes(said)) throw error(names[kind === "busy" ? "unknown" : kind]);
      return real();
    });
  }
  const write = FileSystemSyncAccessHandle.prototype.write;
  FileSystemSyncAccessHandle.prototype.write = function (bytes, options) {
    if (!strikes("FileSystemSyncAccessHandle.write")) return write.call(this, bytes, options);
    // Torn: some of it is in the file.
    write.call(this, bytes.subarray(0, bytes.length >> 1), options);
    throw error(names[kind === "busy" ? "unknown" : kind]);
  };
}

/** From now on the storage of each engine that the tab starts fails as `tab.storageFault` says. */
export async function storageMayFail(tab) {
  await tab.page.addInitScript(holdEngine);
  tab.page.on("worker", async (worker) => {
    if (!/engine/.test(worker.url())) return;
    tab.engineWorker = worker;
    try {
      await worker.evaluate(failStorage, tab.storageFault ?? { at: 0 });
      await tab.page.evaluate(() => globalThis.releaseEngine());
    } catch {
      // The page went away meanwhile.
    }
  });
}

/** The calls that the engine has made, and the first of them that failed. */
export async function storageReport(tab) {
  return tab.engineWorker.evaluate(() => self.storage);
}

/** From now on the engine can read what is stored and store nothing more, as on a full disk. */
export async function storageIsFull(tab) {
  const engine = tab.page.workers().find((worker) => /engine/.test(worker.url()));
  await engine.evaluate(() => {
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...given) {
      const { transaction } = this;
      const request = put.apply(this, given);
      if (!Object.hasOwn(transaction, "error")) {
        Object.defineProperty(transaction, "error", { value: new DOMException("made by a test", "QuotaExceededError") });
        transaction.abort();
      }
      return request;
    };
  });
}
