// A proxy before a server, with the faults that people's proxies have.

import http from "node:http";

import { freePort } from "./server.js";

export class Proxy {
  /** Headers of answers that it takes away, and the most bytes of a body; it passes no WebSocket on. */
  static async before(server, { lost = [], bytesMax = Infinity } = {}) {
    const proxy = new Proxy();
    const port = await freePort();
    proxy.origin = `http://localhost:${port}`;
    proxy.server = http.createServer((asked, answer) => {
      if (Number(asked.headers["content-length"] ?? 0) > bytesMax) {
        // As others do, it hears the rest out, so that the refusal is read.
        asked.resume().on("end", () => answer.writeHead(413).end("<h1>Request Entity Too Large</h1>"));
        return;
      }
      const headers = { ...asked.headers, host: `127.0.0.1:${server.port}`, "x-forwarded-for": "203.0.113.9" };
      const passed = http.request({ host: "127.0.0.1", port: server.port, path: asked.url, method: asked.method, headers });
      passed.on("response", (came) => {
        const left = Object.entries(came.headers).filter(([name]) => !lost.includes(name));
        answer.writeHead(came.statusCode, Object.fromEntries(left));
        came.pipe(answer);
      });
      passed.on("error", () => answer.destroy());
      asked.pipe(passed);
    });
    proxy.server.on("upgrade", (_, socket) => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
    await new Promise((resolve) => proxy.server.listen(port, "localhost", resolve));
    return proxy;
  }

  async end() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
