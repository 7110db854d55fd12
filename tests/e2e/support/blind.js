// Looks for secrets in bytes, however they may be written.

import { readdir, readFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";

/** The ways in which a text may appear among bytes. */
function* writings(text) {
  for (const [name, bytes] of [["utf-8", Buffer.from(text, "utf8")], ["utf-16le", Buffer.from(text, "utf16le")]]) {
    yield [name, bytes];
    for (const hex of [bytes.toString("hex"), bytes.toString("hex").toUpperCase()]) yield [`${name} hex`, Buffer.from(hex)];
    // In base64 a text looks different at each of three offsets; the ends depend on what
    // is beside it and are cut off.
    for (const offset of [0, 1, 2]) {
      const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64").replace(/=+$/, "");
      const certain = encoded.slice(offset === 0 ? 0 : 4, encoded.length - 2);
      for (const form of [certain, certain.replaceAll("+", "-").replaceAll("/", "_")]) {
        if (form.length >= 6) yield [`${name} base64`, Buffer.from(form)];
      }
    }
  }
  const escaped = JSON.stringify(text).slice(1, -1);
  const percent = encodeURIComponent(text);
  if (escaped !== text) yield ["json", Buffer.from(escaped)];
  if (percent !== text) yield ["percent", Buffer.from(percent)];
}

/** Where any of the texts is in the bytes, in words. */
export function findings(where, bytes, texts) {
  const found = [];
  for (const text of texts) {
    for (const [writing, needle] of writings(text)) {
      if (bytes.includes(needle)) found.push(`"${text}" is in ${where} as ${writing}`);
    }
  }
  return found;
}

/** All files below a folder, with their bytes; the names of files count as bytes too. */
export async function* filesBelow(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.path, entry.name);
    yield [`the name of ${file}`, Buffer.from(entry.name)];
    if (entry.isFile()) yield [file, await readFile(file)];
  }
}

/** A wire tap: passes connections on to `target`, and keeps all bytes that devices send. */
export class Tap {
  sent = [];
  #sockets = new Set();

  static async start(port, target) {
    const tap = new Tap();
    tap.server = net.createServer((device) => {
      const server = net.connect(target, "127.0.0.1");
      for (const socket of [device, server]) {
        tap.#sockets.add(socket);
        socket.on("close", () => tap.#sockets.delete(socket));
        socket.on("error", () => [device, server].forEach((one) => one.destroy()));
      }
      device.on("data", (bytes) => tap.sent.push(bytes));
      device.pipe(server).pipe(device);
    });
    await new Promise((resolve) => tap.server.listen(port, "127.0.0.1", resolve));
    return tap;
  }

  end() {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }
}
