// Signs what was built, and exchanges the key that signs.
//
//   node release.mjs sign FOLDER KEY [JSON]    writes `release.json`: every file by its hash. The JSON
//       is {idle, lazy}, addresses that are not fetched at once; without it those of the
//       release that is there, which is so signed anew, under a later number
//   node release.mjs rotate OLD NEW            makes the key NEW and has OLD say that it comes after it
//
// KEY is a file (`keys.mjs`). The number of a release is the second in which it was signed, or
// `SOURCE_DATE_EPOCH`, and above that of the release that was there.

import { createHash, sign } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

import { FORMAT, PROTOCOL, RELEASE_LABEL, ROTATION_LABEL } from "../sw/trust.js";
import { newKey, publicOf, releaseKey } from "./keys.mjs";

/** What belongs to the server, or is named apart; below the last are the server's own pages. */
const NOT_NAMED = ["/release.json", "/sw.js", "/frame.sha256", "/admin/", "/checkup/"];

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const signed = (key, text) => sign(null, Buffer.from(text), key).toString("base64url");
const rotationsOf = (path) => `${path}.rotations.json`;
const readJson = async (path) => JSON.parse(await readFile(path, "utf8").catch(() => "null"));

async function signs(folder, keyPath, order) {
  const before = JSON.parse((await readJson(join(folder, "release.json")))?.release ?? "null");
  const { idle, lazy } = order ? JSON.parse(order) : { idle: Object.keys(before.idle), lazy: Object.keys(before.lazy) };
  const groups = { files: {}, idle: {}, lazy: {} };
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  for (const path of paths.sort()) {
    const url = `/${relative(folder, path)}`;
    if (NOT_NAMED.some((name) => url.startsWith(name)) || url.endsWith(".br")) continue;
    const group = idle.includes(url) ? "idle" : lazy.includes(url) ? "lazy" : "files";
    groups[group][url] = sha256(await readFile(path));
  }
  const now = Number(process.env.SOURCE_DATE_EPOCH ?? Math.floor(Date.now() / 1000));
  const number = Math.max(now, (before?.number ?? 0) + 1);
  const version = sha256(JSON.stringify(groups)).slice(0, 16);
  const worker = sha256(await readFile(join(folder, "sw.js")));
  const release = JSON.stringify({ format: FORMAT, number, version, needs: PROTOCOL, worker, ...groups });
  const key = await releaseKey(keyPath);
  const rotations = (await readJson(rotationsOf(keyPath))) ?? [];
  const whole = { release, key: publicOf(key), signature: signed(key, RELEASE_LABEL + release), rotations };
  await writeFile(join(folder, "release.json"), JSON.stringify(whole));
  console.log(`version ${version}, number ${number}, signed by ${whole.key}`);
}

async function rotates(oldPath, newPath) {
  const old = await releaseKey(oldPath);
  await newKey(newPath);
  const [from, to] = [publicOf(old), publicOf(await releaseKey(newPath))];
  const rotations = (await readJson(rotationsOf(oldPath))) ?? [];
  rotations.push({ from, to, signature: signed(old, ROTATION_LABEL + to) });
  await writeFile(rotationsOf(newPath), JSON.stringify(rotations));
  console.log(`${to} comes after ${from}; keep both files of ${newPath}, and sign with it from now on`);
}

const [command, ...rest] = process.argv.slice(2);
await { sign: signs, rotate: rotates }[command](...rest);
