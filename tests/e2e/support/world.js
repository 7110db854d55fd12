// One test's world: a server, the devices that use it, and files to upload.
//
// `world(t)` takes everything down at the end of the test and then fails it if any page,
// worker or service worker logged an error or a warning, or broke the content security
// policy. Failed requests are allowed only where the server was down or the device in
// airplane mode.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { Device } from "./device.js";
import { Server } from "./server.js";

export const PASSWORD = "a long and quiet evening";

export class World {
  devices = [];

  constructor(server, folder) {
    this.server = server;
    this.folder = folder;
  }

  /** A browser profile of its own; `options` as in `Device.start`. */
  async device(name, options = {}) {
    const device = await Device.start(name, this.server, path.join(this.folder, "profiles"), options);
    this.devices.push(device);
    return device;
  }

  /** A device on which `username` has just made the account, with an empty "My files". */
  async firstDevice(name, username = "alice", options = {}) {
    const device = await this.device(name, options);
    const link = this.server.accounts ? await this.server.invite() : await this.server.firstInvite();
    this.server.accounts = true;
    device.kit = await device.signsUp(link, username, PASSWORD);
    return device;
  }

  /** A further device of the same person. */
  async nextDevice(name, username = "alice", options = {}) {
    const device = await this.device(name, options);
    await device.signsIn(username, PASSWORD);
    return device;
  }

  /** Writes files below a folder on the disk; returns the folder. */
  async disk(files) {
    const root = await mkdtemp(path.join(this.folder, "disk-"));
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(root, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    return root;
  }

  async end() {
    for (const device of this.devices) await device.end();
    await this.server.end();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Makes a world for the test `t`; `settings` go to the server. */
export async function world(t, settings = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), "offing-e2e-"));
  const made = new World(await Server.start(settings), folder);
  t.after(async () => {
    if (process.env.OFFING_E2E_TRACE) for (const device of made.devices) device.printLog();
    const complaints = made.devices.flatMap((device) => device.complaints());
    await Promise.all(made.devices.map((device) => device.photographs(`end of ${t.name}`)));
    await made.end();
    assert.deepEqual(complaints, [], "a page complained");
  });
  return made;
}

/** Bytes that look random and are the same in every run. */
export function noise(length, seed = 1) {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let place = 0; place < length; place += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    bytes.writeUInt32LE(state, Math.min(place, Math.max(0, length - 4)));
  }
  return bytes;
}
