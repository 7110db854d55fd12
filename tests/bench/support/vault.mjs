// A server, a browser profile and an account, for one benchmark.
//
// Vaults grow through the engine's own commands, as a person could do it: 2,000 small files
// are uploaded into a folder, and the folder is copied, each time as one change.

import { readdir, stat } from "node:fs/promises";
import path from "node:path";

import { Server, freePort } from "../../e2e/support/server.js";
import { Chromium } from "./chromium.mjs";
import { install } from "./engine.mjs";

export const PASSWORD = "a long and quiet evening";
const USERNAME = "bench";

export { freePort };

export class Vault {
  /** The vaults that were made and not ended yet. */
  static running = new Set();

  /** A server with one account, and a browser whose page is signed in. */
  static async create(settings = {}) {
    const vault = new Vault();
    Vault.running.add(vault);
    vault.server = await Server.start({ ...settings, env: { OFFING_CALLS_PER_MINUTE: "1000000", OFFING_TRANSFERS_PER_MINUTE: "1000000", ...settings.env } });
    vault.browser = await Chromium.start();
    vault.page = await vault.browser.page();
    const link = await vault.server.firstInvite();
    await vault.opens(link);
    await vault.page.run(async ({ invite, username, password }) => {
      const code = await globalThis.engineOf.signUp(invite, username, password);
      await globalThis.engineOf.confirmKit(code);
    }, { invite: link.split("#")[1], username: USERNAME, password: PASSWORD });
    await vault.page.opens("about:blank");
    await vault.opens(vault.server.origin);
    await vault.listed();
    vault.root = await vault.page.run(() => location.pathname);
    return vault;
  }

  /** Opens an address and makes the engine's commands available. */
  async opens(address, page = this.page) {
    await page.opens(new URL(address, this.server.origin).href);
    await page.run(() => new Promise((resolve) => {
      const look = () => (globalThis.offingEngine ? resolve() : setTimeout(look, 5));
      look();
    }));
    await install(page);
  }

  async listed(page = this.page) {
    return page.mark("offing:list");
  }

  address(node) {
    return this.root.replace(/[0-9a-f]{32}$/, node);
  }

  /** A second browser of the same person, signed in. */
  async second() {
    const browser = await Chromium.start();
    const page = await browser.page();
    await this.opens("/", page);
    await page.run(({ username, password }) => globalThis.engineOf.signIn(username, password), { username: USERNAME, password: PASSWORD });
    await page.opens("about:blank");
    await this.opens("/", page);
    await this.listed(page);
    return { browser, page };
  }

  /** Grows the vault to about `target` nodes; returns a folder of 2,000 and the count. */
  async grow(target, report = () => {}, page = this.page) {
    const grown = await page.run(async () => {
      const engine = globalThis.engineOf;
      const folder = await engine.createFolder(engine.ROOT, "Papers");
      const names = Array.from({ length: 2000 }, (_, place) => `Paper ${String(place + 1).padStart(4, "0")}.bin`);
      await engine.upload(folder, names, new Uint8Array(64));
      while ((await engine.folder(folder, 1)).total < names.length) await new Promise((resolve) => setTimeout(resolve, 50));
      return folder;
    });
    let count = 2001;
    const copies = async (node, size, limit) => {
      while (count + size <= limit) {
        await page.run(async (which) => void (await globalThis.engineOf.copy([which], globalThis.engineOf.ROOT)), node);
        count += size;
        report(count);
      }
    };
    await copies(grown, 2001, Math.min(target, 10_010));
    if (target > 10_010) {
      const shelf = await page.run(async (keep) => {
        const engine = globalThis.engineOf;
        const { rows } = await engine.folder(engine.ROOT);
        const box = await engine.createFolder(engine.ROOT, "Shelf");
        await engine.move(rows.map((row) => row.node).filter((node) => node !== keep), box);
        return box;
      }, grown);
      count += 1;
      await copies(shelf, 8_005, target);
    }
    return { folder: grown, count };
  }

  async synced(page = this.page, withinMs = 1_800_000) {
    await page.pill("On server", withinMs);
  }

  /** The page goes away, and comes back to a list while the server is not there. */
  async returnsOffline(address = "/") {
    await this.page.opens("about:blank");
    await this.server.stop();
    await this.opens(address);
    await this.listed();
  }

  /** The bytes of everything that the server stores. */
  async stored() {
    let bytes = 0;
    for (const entry of await readdir(this.server.data, { withFileTypes: true, recursive: true })) {
      if (entry.isFile()) bytes += (await stat(path.join(entry.path, entry.name))).size;
    }
    return bytes;
  }

  /** Starts the server anew, so that it counts its flushes from zero, and the page with it. */
  async countsFlushes() {
    await this.page.opens("about:blank");
    await this.server.stop();
    await this.server.restart();
    await this.opens("/");
    await this.listed();
    await this.synced();
  }

  /** Stops the server; returns how often it waited for the disk since `countsFlushes`. */
  async flushes() {
    await this.server.stop();
    const said = (counter) => Number(this.server.printed.replaceAll(/\u001b\[[0-9;]*m/g, "").match(new RegExp(`.*\\b${counter}=(\\d+)`, "s"))?.[1] ?? NaN);
    return { chunks: said("chunk_syncs"), log: said("durable_commits") };
  }

  async end() {
    await this.browser?.end();
    await this.server?.end();
    Vault.running.delete(this);
  }
}
