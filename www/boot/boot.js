// The first script of the page: sets the Trusted Types policy, starts the engine's
// worker and the page's wasm side by side, then registers the service worker.
//
// What it leaves for the page: `globalThis.offingEngine`, the engine's worker,
// already loading. What it reads: the `data-*` attributes that the build writes on
// <html> (`engine`, `pageWasm`; the page itself reads `editor`, `markdown`, `icons`, `version`).

import initPage from "offing-client-glue";

import { registerPolicy } from "./trusted.js";

const { dataset } = document.documentElement;

/** Shows one of the notices of index.html instead of the shell. */
function showNotice(id) {
  document.getElementById("shell")?.remove();
  document.getElementById(id).hidden = false;
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

async function registerServiceWorker() {
  try {
    await navigator.serviceWorker.register("/sw.js", { scope: "/", updateViaCache: "none" });
  } catch (error) {
    // The app works without it, except with no network at the next start.
    console.warn("service worker not registered:", error);
  }
}

async function start() {
  if (!globalThis.isSecureContext) return showNotice("insecure");
  if (!isCapable()) return showNotice("unsupported");
  registerPolicy();
  globalThis.offingEngine = new Worker(dataset.engine, { type: "module", name: "engine" });
  try {
    await initPage({ module_or_path: dataset.pageWasm });
  } catch (error) {
    console.error(error);
    return showNotice("failed");
  }
  document.getElementById("shell")?.remove();
  // After the first paint: what it stores away must not compete with what is shown.
  requestAnimationFrame(() => setTimeout(registerServiceWorker));
}

start();
