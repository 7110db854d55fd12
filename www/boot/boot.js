// The first script of the page: sets the Trusted Types policy, starts the engine's
// worker and the page's wasm side by side, then registers the service worker.
//
// What it leaves for the page: `globalThis.offingEngine`, the engine's worker,
// already loading. What it reads: the `data-*` attributes that the build writes on
// <html> (`engine`, `pageWasm`; the page itself reads the others).

import initPage from "offing-client-glue";

import { registerPolicy } from "./trusted.js";

const { dataset } = document.documentElement;

/** Shows one of the notices of index.html instead of the shell. */
function showNotice(id) {
  document.getElementById("shell")?.remove();
  document.getElementById(id).hidden = false;
}

/** Tells the service worker that this version did not start, so that one that never does is given up. */
function tellFailed() {
  navigator.serviceWorker.controller?.postMessage({ type: "failed" });
}

/** Whether the browser has what nothing here works without. */
function isCapable() {
  return (
    "serviceWorker" in navigator &&
    "locks" in navigator &&
    "indexedDB" in globalThis &&
    "BroadcastChannel" in globalThis &&
    Boolean(globalThis.crypto?.subtle)
  );
}

/**
 * Starts the engine's worker, and compiles its module here while the worker's thread and
 * script are still on their way; threads of one page share what is compiled.
 */
function startEngine() {
  const worker = new Worker(dataset.engine, { type: "module", name: "engine" });
  worker.addEventListener("error", tellFailed, { once: true });
  // A sign-in that is asked for a second factor; all else that the engine says is an array.
  worker.addEventListener("message", ({ data: { login }, ports: [port] }) => {
    if (login) import("../factor/ask.js").then(({ asks }) => asks(login)).catch(() => false).then((proved) => port.postMessage(proved));
  });
  const hand = (module) => worker.postMessage({ module });
  // Without it the worker fetches and compiles for itself, and tells what is wrong.
  WebAssembly.compileStreaming(fetch(__ENGINE_WASM__)).then(hand, () => hand(null));
  return worker;
}

/** A place in the settings that a script fills when it is shown. */
class SecondFactor extends HTMLElement {
  connectedCallback() {
    import("../factor/settings.js").then(({ fills }) => fills(this), console.info);
  }
}

/** What a sign-in says to who has no account, which depends on the server. */
class NewAccount extends HTMLElement {
  connectedCallback() {
    import("../newcomers/newcomers.js").then(({ tells }) => tells(this)).catch(console.info);
  }
}

async function registerServiceWorker() {
  try {
    await navigator.serviceWorker.register("/sw.js", { scope: "/", updateViaCache: "none" });
    const { active } = await navigator.serviceWorker.ready;
    // When nothing else is to be done, what is large and rarely needed is stored as well.
    (globalThis.requestIdleCallback ?? setTimeout)(() => active.postMessage({ type: "idle" }));
  } catch (error) {
    // The app works without it, except with no network at the next start.
    console.warn("service worker not registered:", error);
  }
}

async function start() {
  if (!globalThis.isSecureContext) return showNotice("insecure");
  if (!isCapable()) return showNotice("unsupported");
  registerPolicy();
  globalThis.offingEngine = startEngine();
  customElements.define("second-factor", SecondFactor);
  customElements.define("new-account", NewAccount);
  try {
    await initPage({ module_or_path: dataset.pageWasm });
  } catch (error) {
    console.error(error);
    tellFailed();
    return showNotice("failed");
  }
  document.getElementById("shell")?.remove();
  // After the first paint: what it stores away must not compete with what is shown.
  requestAnimationFrame(() => setTimeout(registerServiceWorker));
  (globalThis.requestIdleCallback ?? setTimeout)(() => {
    import("../labels/labels.js").catch(console.info);
    import("../thumbs/thumbs.js").catch(console.info);
    import("../viewer/soon.js").then(({ watch }) => watch(), console.info);
  });
}

start();
