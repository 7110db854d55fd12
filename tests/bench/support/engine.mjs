// Speaks to a page's engine in its own tongue, beside the page: the commands of
// `offing_core::rpc` in postcard. Big vaults are grown through these, never by data made
// by hand.
//
// Runs inside the page (see `install`); ids from 2^31 up are the benchmark's, so that the
// page ignores the replies.

import { readFileSync } from "node:fs";

/** Commands by their place in `rpc::Command`, read from there: places move when one is added. */
export const COMMAND = commands(readFileSync(new URL("../../../core/src/rpc/command.rs", import.meta.url), "utf8"));

function commands(source) {
  const [, body] = source.match(/pub enum Command \{\n([^]*?)\n\}/);
  const names = [...body.matchAll(/^ {4}([A-Z]\w*)/gm)].map(([, name]) => name[0].toLowerCase() + name.slice(1));
  return Object.fromEntries(names.map((name, place) => [name, place]));
}

/** Puts `globalThis.engineOf` into the page. */
export async function install(page, commands = COMMAND) {
  await page.run(define, commands);
}

function define(COMMAND) {
  const utf8 = new TextEncoder();
  let next = 2 ** 31;
  const waiting = new Map();
  const varint = (value) => {
    const bytes = [];
    for (let rest = BigInt(value); ; rest >>= 7n) {
      if (rest < 128n) return [...bytes, Number(rest)];
      bytes.push(Number(rest & 127n) | 128);
    }
  };
  const text = (value) => {
    const bytes = utf8.encode(value);
    return [...varint(bytes.length), ...bytes];
  };
  const node = (hex) => hex.match(/../g).map((byte) => parseInt(byte, 16));
  const nodes = (list) => [...varint(list.length), ...list.flatMap(node)];
  class Reader {
    place = 0;
    constructor(bytes) {
      this.bytes = bytes;
    }
    varint() {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = this.bytes[(this.place += 1) - 1];
        value |= BigInt(byte & 127) << shift;
        if (byte < 128) return Number(value);
      }
    }
    take(length) {
      return this.bytes.subarray(this.place, (this.place += length));
    }
    text() {
      return new TextDecoder().decode(this.take(this.varint()));
    }
    hex(length) {
      return [...this.take(length)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    }
  }
  const worker = globalThis.offingEngine;
  worker.addEventListener("message", ({ data }) => {
    const reader = new Reader(data[0]);
    if (reader.varint() !== 0) return;
    const id = reader.varint();
    const resolve = waiting.get(id);
    if (!resolve) return;
    waiting.delete(id);
    resolve(reader);
  });
  const ask = (variant, ...fields) => askWith([], variant, ...fields);
  const askWith = async (beside, variant, ...fields) => {
    const id = (next += 1);
    const reply = new Promise((resolve) => waiting.set(id, resolve));
    worker.postMessage([Uint8Array.from([...varint(id), ...varint(variant), ...fields.flat()]), ...beside]);
    const reader = await reply;
    if (reader.varint() !== 0) throw new Error(`command ${variant} failed: fault ${reader.varint()}`);
    reader.variant = reader.varint();
    return reader;
  };
  const ROOT = "00".repeat(16);
  globalThis.engineOf = {
    ROOT,
    signUp: async (invite, username, password) => (await ask(COMMAND.signUp, text(invite), text(username), text(password))).text(),
    confirmKit: (code) => ask(COMMAND.confirmKit, text(code)),
    signIn: (username, password) => ask(COMMAND.signIn, text(username), text(password), [0]),
    createFolder: async (parent, name) => (await ask(COMMAND.createFolder, node(parent), text(name))).hex(16),
    createText: async (parent, name) => (await ask(COMMAND.createText, node(parent), text(name))).hex(16),
    /** Uploads small files of these names into a folder, as its button does: the same bytes in all, or a list of each one's. */
    upload: (parent, names, bytes) => {
      const files = names.map((name, at) => new File([Array.isArray(bytes) ? bytes[at] : bytes], name));
      const items = names.flatMap((name, at) => [1, ...text(name), ...varint(files[at].size), 0]);
      return askWith(files, COMMAND.upload, node(parent), varint(names.length), items, [0]);
    },
    rename: (which, name) => ask(COMMAND.rename, node(which), text(name)),
    copy: (list, to) => ask(COMMAND.copy, nodes(list), node(to)),
    move: (list, to) => ask(COMMAND.move, nodes(list), node(to)),
    nudge: () => ask(COMMAND.nudge),
    /** Rows of a folder: node ids by their place, at most 500. */
    folder: async (which, rows = 500) => {
      const reader = await ask(COMMAND.openFolder, node(which), [0, 0], varint(rows));
      const view = reader.varint();
      reader.hex(16);
      for (let crumbs = reader.varint(); crumbs > 0; crumbs -= 1) {
        reader.hex(16);
        reader.text();
      }
      reader.varint();
      const total = reader.varint();
      const found = [];
      for (let count = reader.varint(); count > 0; count -= 1) {
        const row = { node: reader.hex(16), name: reader.text(), kind: reader.varint() };
        if (reader.take(1)[0]) reader.varint();
        reader.varint();
        reader.varint();
        reader.take(3);
        if (reader.take(1)[0]) reader.varint();
        found.push(row);
      }
      // A view that stays open is kept up with every change.
      await ask(COMMAND.closeView, varint(view));
      return { total, rows: found };
    },
    /** A node's name now. */
    nameOf: async (which) => {
      const reader = await ask(COMMAND.openNode, node(which), [0, 0], varint(1));
      reader.hex(16);
      return reader.text();
    },
    openText: (which) => ask(COMMAND.openText, node(which)),
    /** Pushes CodeMirror change sets; true when they were taken. */
    pushText: async (which, version, updates) => {
      const fields = updates.map((changes) => [...text("bench"), ...text(JSON.stringify(changes))]);
      return (await ask(COMMAND.pushText, node(which), varint(version), varint(updates.length), fields.flat())).varint() > 0;
    },
    flushText: (which) => ask(COMMAND.flushText, node(which)),
    closeText: (which) => ask(COMMAND.closeText, node(which)),
  };
}
