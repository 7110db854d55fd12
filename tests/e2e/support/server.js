// The real server, on a port and a data folder of its own.
//
// `kill` is SIGKILL, as a power cut would be; `restart` starts it again on the same port
// and folder. What it printed is kept, for invitations and for the blindness scan.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const READY_MS = 20_000;

/** The server's program: `OFFING_SERVER`, else the newest kind of build that is there. */
export function serverProgram() {
  const built = ["target/release/offing-server", "target/debug/offing-server"].map((file) => path.join(ROOT, file));
  const program = process.env.OFFING_SERVER ? path.resolve(process.env.OFFING_SERVER) : built.find(existsSync);
  if (!program || !existsSync(program)) {
    throw new Error("there is no server to test: run `cargo build -p offing-server`, or set OFFING_SERVER");
  }
  return program;
}

/** The built client: `OFFING_ASSETS`, else `dist`. */
export function assetsFolder() {
  const assets = path.resolve(process.env.OFFING_ASSETS ?? path.join(ROOT, "dist"));
  if (!existsSync(path.join(assets, "index.html"))) {
    throw new Error(`there is no client in ${assets}: run \`cargo xtask build\`, or set OFFING_ASSETS`);
  }
  return assets;
}

/** Ports that no system gives to a connection by itself: while a server is down, its port stays its own. */
const PORTS = { first: 20_000, count: 10_000 };

/** A port that nobody listens on. */
export async function freePort() {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    const probe = net.createServer();
    const free = await new Promise((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
}

export class Server {
  #child = null;
  #settings;
  /** Everything it printed, of all its lives. */
  printed = "";

  constructor(port, data, settings) {
    this.port = port;
    this.data = data;
    this.origin = settings.origin ?? `http://localhost:${port}`;
    this.#settings = settings;
  }

  /** Starts a server; `settings.env` are further `OFFING_*` variables. */
  static async start(settings = {}) {
    const data = await mkdtemp(path.join(tmpdir(), "offing-server-"));
    const server = new Server(settings.port ?? (await freePort()), data, settings);
    await server.restart();
    return server;
  }

  get isUp() {
    return this.#child !== null;
  }

  get pid() {
    return this.#child?.pid;
  }

  #variables() {
    return {
      PATH: process.env.PATH,
      OFFING_LISTEN: `127.0.0.1:${this.port}`,
      OFFING_DATA: this.data,
      OFFING_ASSETS: assetsFolder(),
      OFFING_PUBLIC_URL: this.origin,
      // Many devices share this machine's address; limits have tests of their own.
      OFFING_ANONYMOUS_PER_MINUTE: "100000",
      OFFING_LOGINS_PER_MINUTE: "1000",
      ...this.#settings.env,
    };
  }

  /** Starts the server on its port and data folder, and waits until it answers. */
  async restart() {
    if (this.#child) throw new Error("the server is running already");
    const child = spawn(serverProgram(), ["serve"], { env: this.#variables(), stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    let ended = null;
    child.once("exit", (code, signal) => {
      ended = signal ?? `code ${code}`;
      if (this.#child === child) this.#child = null;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (this.printed += text));
    }
    const deadline = Date.now() + READY_MS;
    for (;;) {
      if (ended) throw new Error(`the server ended at its start (${ended}):\n${this.printed}`);
      const ready = await fetch(`http://127.0.0.1:${this.port}/readyz`).then((answer) => answer.ok, () => false);
      if (ready) return;
      if (Date.now() > deadline) throw new Error(`the server does not get ready:\n${this.printed}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends it at once, as a power cut would. */
  async kill() {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    this.#child = null;
  }

  /** Asks it to stop, and waits until it has. */
  async stop() {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, "close");
    child.kill("SIGTERM");
    await gone;
    this.#child = null;
  }

  /** The sign-up link that the first start prints. */
  async firstInvite() {
    const found = () => this.printed.match(/https?:\/\/\S+\/join#[\w-]+/)?.[0];
    const deadline = Date.now() + READY_MS;
    while (!found()) {
      if (Date.now() > deadline) throw new Error(`no sign-up link was printed:\n${this.printed}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return found();
  }

  /** Runs a command of the server's program beside it; gives what it printed. */
  async #runs(...words) {
    const child = spawn(serverProgram(), words, { env: this.#variables(), stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (printed += text));
    await once(child, "close");
    return printed;
  }

  /** Stops it, copies its folder elsewhere, and starts it again. */
  async backsUpTo(folder) {
    await this.stop();
    await cp(this.data, folder, { recursive: true });
    await this.restart();
  }

  /** Its disk is lost and a backup put in its place, and whoever does it says so. */
  async isRestoredFrom(folder) {
    await this.kill();
    await rm(this.data, { recursive: true });
    await cp(folder, this.data, { recursive: true });
    const printed = await this.#runs("restored");
    if (!/vaults wait/.test(printed)) throw new Error(`\`restored\` failed:\n${printed}`);
    await this.restart();
  }

  /** Makes a further sign-up link, as whoever runs the server would. */
  async invite() {
    const printed = await this.#runs("invite");
    const link = printed.match(/https?:\/\/\S+\/join#[\w-]+/)?.[0];
    if (!link) throw new Error(`\`invite\` printed no sign-up link:\n${printed}`);
    return link;
  }

  /** A link to the page for whoever keeps it, as that person would have it printed. */
  async adminLink() {
    const printed = await this.#runs("admin", "link");
    const link = printed.match(/https?:\/\/\S+\/admin#[\w-]+/)?.[0];
    if (!link) throw new Error(`\`admin link\` printed no link:\n${printed}`);
    return link;
  }

  /** Ends all links to that page, and all who are in. */
  async locksAdmin() {
    const printed = await this.#runs("admin", "lock");
    if (!/ended/.test(printed)) throw new Error(`\`admin lock\` failed:\n${printed}`);
  }

  /** Offers a build to some devices first; `devices` are their ids. */
  async offers(folder, { percent = 0, devices = [] } = {}) {
    const named = devices.flatMap((device) => ["--allow", device]);
    const printed = await this.#runs("release", "offer", folder, "--percent", String(percent), ...named);
    if (!/offered/.test(printed)) throw new Error(`\`release offer\` failed:\n${printed}`);
  }

  /** What is offered to some devices first, and why no longer, in words. */
  async rollout() {
    return this.#runs("release", "show");
  }

  /** The ids of an account's devices, in the order of their sessions. */
  async devicesOf(username) {
    const printed = await this.#runs("admin", "sessions", username);
    return [...printed.matchAll(/^([0-9a-f]{32})\t/gm)].map(([, device]) => device);
  }

  /** Ends it and removes its data. */
  async end() {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }
}
