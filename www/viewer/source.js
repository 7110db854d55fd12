// Where the bytes of what is shown come from: the engine's port, or a member of an archive.

import { Refused } from "./line.js";
import { FILE_BYTES_MAX, READ_BYTES_MAX } from "./limits.js";

/** @typedef {{ name: string, size: number, depth: number,
 *    read(start: number, end: number): Promise<Uint8Array>, end(): void }} Source */

/** A file of the drive. */
export class FileSource {
  depth = 0;
  #port;
  #waiting = new Map();
  #last = 0;

  constructor({ name, size, port }) {
    this.name = name;
    this.size = size;
    this.#port = port;
    port.onmessage = ({ data: [id, bytes] }) => {
      const { resolve, reject } = this.#waiting.get(id) ?? {};
      this.#waiting.delete(id);
      if (bytes) resolve?.(bytes);
      else reject?.(new Refused("away"));
    };
  }

  async read(start, end) {
    const parts = [];
    for (let at = start; at < Math.min(end, this.size); ) {
      const part = await this.#range(at, Math.min(end, at + READ_BYTES_MAX));
      if (!part.length) throw new Refused("away");
      parts.push(part);
      at += part.length;
    }
    return parts.length === 1 ? parts[0] : joined(parts);
  }

  #range(start, end) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#port.postMessage([id, start, end]);
    });
  }

  end() {
    this.#port.postMessage(null);
    for (const { reject } of this.#waiting.values()) reject(new Refused("ended"));
    this.#waiting.clear();
  }
}

/** A member of an archive, unpacked. */
export class MemberSource {
  constructor({ name, bytes, depth }) {
    Object.assign(this, { name, depth, size: bytes.length });
    this.bytes = bytes;
  }

  async read(start, end) {
    return this.bytes.slice(start, end);
  }

  end() {}
}

/** All of a source, for a module. */
export async function whole(source) {
  if (source.size > FILE_BYTES_MAX) throw new Refused("large");
  return source.read(0, source.size);
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
