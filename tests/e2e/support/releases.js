// A server whose app can be replaced by a later version while it runs, by a signer of the test's own.

import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { assetsFolder } from "./server.js";
import { world } from "./world.js";

const TOOL = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../www/tools/release.mjs");
const runs = promisify(execFile);

/** The version of the app that the folder has, as its signer named it. */
export const versionIn = async (assets) => JSON.parse(JSON.parse(await readFile(path.join(assets, "release.json"))).release).version;

/** A world with a build in `assets`, signed by `signer`. */
export async function replaceable(t) {
  const folder = await mkdtemp(path.join(tmpdir(), "offing-assets-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const assets = path.join(folder, "app");
  await cp(assetsFolder(), assets, { recursive: true });
  const release = new Release(assets, path.join(folder, "key.pem"));
  await release.isSigned();
  const w = await world(t, { env: { OFFING_ASSETS: assets } });
  return { w, release };
}

export class Release {
  constructor(assets, key) {
    this.assets = assets;
    this.key = key;
  }

  /** Signs what is in the folder; answers the version. */
  async isSigned(key = this.key) {
    await runs("node", [TOOL, "sign", this.assets, key]);
    await rm(path.join(this.assets, "release.json.br"), { force: true });
    return versionIn(this.assets);
  }

  /** A copy of what is in the folder, beside it, by the same signer. */
  async isCopied() {
    const copy = new Release(`${this.assets}-next`, this.key);
    await cp(this.assets, copy.assets, { recursive: true });
    return copy;
  }

  /** Another signer, or one that this one names as its successor. */
  async exchangesKey({ named }) {
    const next = `${this.key}.next`;
    await rm(next, { force: true });
    if (named) await runs("node", [TOOL, "rotate", this.key, next]);
    this.key = next;
  }

  /** Changes a file, without signing it. */
  async changes(url, change) {
    const file = path.join(this.assets, url);
    await writeFile(file, change(await readFile(file, "utf8")));
    await rm(`${file}.br`, { force: true });
  }

  /**
   * Leaves nothing in the folder but these files, the script of the service worker, the release, and what comes with the
   * policy of the day: the page and the engine.
   */
  async hasOnly(...urls) {
    const kept = [...urls, "/sw.js", "/release.json", "/index.html"];
    const found = await readdir(this.assets, { recursive: true, withFileTypes: true });
    for (const entry of found.filter((one) => one.isFile())) {
      const file = path.join(entry.parentPath ?? entry.path, entry.name);
      const url = `/${path.relative(this.assets, file)}`;
      if (!kept.includes(url) && !/^\/assets\/engine-.*\.js$/.test(url)) await rm(file);
    }
  }
}
