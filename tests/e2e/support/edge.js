// A blind edge before a server: the real program, with a wire tap at its address.
//
// Devices call the tap, which passes on to the program. It keeps what they send, counts what they are
// given, and can have both go down when it has given so much.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { freePort, serverProgram } from "./server.js";

const READY_MS = 20_000;

export class Edge {
  /** What devices have sent, as text. */
  heard = "";
  givenBytes = 0;
  #diesAtBytes = Infinity;
  #sockets = new Set();
  #child;
  #tap;
  #data;

  constructor(port) {
    this.port = port;
    this.url = `http://localhost:${port}`;
  }

  /** Reserves an address, which a server can name before there is an edge. */
  static async at() {
    return new Edge(await freePort());
  }

  /** Starts it before a server. */
  async standsBefore(server) {
    const port = await freePort();
    this.#data = await mkdtemp(path.join(tmpdir(), "offing-edge-"));
    const env = { PATH: process.env.PATH, OFFING_LISTEN: `127.0.0.1:${port}`, OFFING_DATA: this.#data, OFFING_ORIGIN: `http://127.0.0.1:${server.port}` };
    this.#child = spawn(serverProgram(), ["edge"], { env, stdio: "ignore" });
    const deadline = Date.now() + READY_MS;
    while (!(await fetch(`http://127.0.0.1:${port}/healthz`).then((answer) => answer.ok, () => false))) {
      if (Date.now() > deadline) throw new Error("the edge does not get ready");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#tap = net.createServer((device) => this.#passes(device, net.connect(port, "127.0.0.1")));
    await new Promise((resolve) => this.#tap.listen(this.port, "localhost", resolve));
  }

  #passes(device, program) {
    for (const socket of [device, program]) {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => [device, program].forEach((one) => one.destroy()));
    }
    device.on("data", (bytes) => (this.heard += bytes.toString("latin1")));
    program.on("data", (bytes) => {
      this.givenBytes += bytes.length;
      if (this.givenBytes >= this.#diesAtBytes) this.dies();
    });
    device.pipe(program).pipe(device);
  }

  /** It will be gone from one moment to the next, when it has given so many bytes more. */
  diesAfter(bytes) {
    this.#diesAtBytes = this.givenBytes + bytes;
  }

  get isUp() {
    return this.#child !== null;
  }

  dies() {
    this.#child?.kill("SIGKILL");
    this.#child = null;
    this.#tap?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async end() {
    const gone = this.#child && once(this.#child, "exit");
    this.dies();
    await gone;
    if (this.#data) await rm(this.#data, { recursive: true, force: true });
  }
}
