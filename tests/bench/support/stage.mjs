// A bare page on loopback, with the built app's assets beside it and scripts that the case makes:
// what is compared runs in one browser, from one origin.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Chromium } from "./chromium.mjs";

const HERE = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Isolated pages have a clock of microseconds; others one of tenths of milliseconds. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/** A browser at a page that has nothing on it. */
export class Stage {
  #server;
  #browser;

  /** `files` are served by their addresses: texts and bytes. */
  static async open(files) {
    const stage = new Stage();
    const assets = process.env.OFFING_ASSETS;
    stage.#server = createServer(async ({ url }, answer) => {
      const { pathname } = new URL(url, "http://localhost");
      const given = pathname === "/" ? "<!doctype html><title>stage</title>" : files[pathname];
      const content = given ?? (await readFile(path.join(assets, path.normalize(pathname))).catch(() => null));
      const type = pathname === "/" ? "text/html" : (TYPES[path.extname(pathname)] ?? "application/octet-stream");
      answer.writeHead(content === null ? 404 : 200, { ...ISOLATED, "content-type": type }).end(content ?? "");
    });
    stage.#server.listen(0, "127.0.0.1");
    await once(stage.#server, "listening");
    stage.#browser = await Chromium.start();
    stage.page = await stage.#browser.page();
    const loaded = stage.#browser.event("Page.loadEventFired", stage.page.sessionId);
    await stage.page.opens(`http://localhost:${stage.#server.address().port}/`);
    await loaded;
    return stage;
  }

  /** The browser's process. */
  get pid() {
    return this.#browser.child.pid;
  }

  async end() {
    await this.#browser.end();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Packs a script with what it imports of the packages of the benchmarks. */
export async function pack(contents) {
  const { build } = createRequire(path.join(HERE, "../../www/package.json"))("esbuild");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: HERE },
    bundle: true,
    minify: true,
    format: "esm",
    // What a package has for workers, where there is no document.
    conditions: ["worker"],
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].text;
}

/** A package of the benchmarks, by its folder. */
export const packageOf = (name) => path.join(HERE, "node_modules", name);
