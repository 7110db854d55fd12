// The parsers' modules: fetched when they are needed, verified before they are run.
//
// The manifest names the hashes of a module's script and wasm; it is signed by whoever built
// the page, and the page has the public key. What does not match is not run. A version that
// opened a file is kept on the device (in a cache that outlives updates of the app), so that
// a later one that keeps breaking down can be rolled back to it; `rollback.js` decides.

import { Refused } from "./line.js";
import { choose, failed, worked } from "./rollback.js";

const CACHE = "previews";
const KEY = "offing.previews";

let manifest;

/** The one that was asked for last. */
let last;

/** What the script of a module says that reads in pieces (`worker.js`); one that was kept from before may not. */
const IN_PIECES = /\bwasm_bindgen\.begin\(/;

/** The scripts and wasm of a module, verified: `{ name, version, script, wasm, inPieces }`. */
export async function load(name) {
  manifest ??= readManifest();
  const modules = await manifest.catch((error) => {
    manifest = undefined;
    throw error;
  });
  const { script, wasm } = modules[name] ?? {};
  if (!wasm) throw new Refused("missing");
  const current = `${script.sha256}.${wasm.sha256}`;
  const version = choose(records()[name], current);
  if (last?.name === name && last.version === version) return last;
  const held = version === current ? null : await kept(name, version);
  const parts = held ?? (await Promise.all([fetched(script), fetched(wasm)]));
  const text = new TextDecoder().decode(parts[0]);
  last = { name, version: held ? version : current, script: text, wasm: parts[1], inPieces: IN_PIECES.test(text), parts };
  return last;
}

/** Notes that a module opened a file, and keeps it. */
export async function noteWorked({ name, version, parts }) {
  const known = records()[name];
  record(name, worked(known, version));
  if (known?.good === version || !parts) return;
  try {
    const cache = await caches.open(CACHE);
    const old = (await cache.keys()).filter(({ url }) => new URL(url).pathname.startsWith(`/${name}/`));
    await Promise.all(parts.map((part, place) => cache.put(`/${name}/${version}/${place}`, new Response(part))));
    const dropped = old.filter(({ url }) => !url.includes(version));
    await Promise.all(dropped.map((request) => cache.delete(request)));
  } catch (error) {
    // A browser that is full has no version to roll back to, and that is all.
    console.info(String(error));
  }
}

/** Notes that a module broke down on a file. */
export function noteFailed({ name, version }, file) {
  record(name, failed(records()[name], version, file));
}

async function readManifest() {
  const response = await fetch(__PREVIEW_MANIFEST__).catch(() => null);
  if (!response?.ok) throw new Refused("missing");
  const { modules, signature } = await response.json();
  const algorithm = { name: "Ed25519" };
  const key = await crypto.subtle.importKey("raw", decoded(__PREVIEW_KEY__), algorithm, false, ["verify"]);
  const genuine = await crypto.subtle.verify(algorithm, key, decoded(signature), new TextEncoder().encode(modules));
  if (!genuine) throw new Refused("forged");
  return JSON.parse(modules);
}

async function fetched({ url, sha256 }) {
  const response = await fetch(url).catch(() => null);
  if (!response?.ok) throw new Refused("missing");
  return verified(await response.arrayBuffer(), sha256);
}

async function kept(name, version) {
  try {
    const cache = await caches.open(CACHE);
    const parts = version.split(".").map(async (sha256, place) => {
      const response = await cache.match(`/${name}/${version}/${place}`);
      return verified(await response.arrayBuffer(), sha256);
    });
    return await Promise.all(parts);
  } catch {
    // It is gone, or not what it was: the current one is tried again.
    return null;
  }
}

async function verified(bytes, sha256) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== sha256) throw new Refused("forged");
  return bytes;
}

function decoded(base64) {
  return Uint8Array.from(atob(base64.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

function records() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function record(name, value) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...records(), [name]: value }));
  } catch {
    // Without storage every version is tried anew.
  }
}
