import assert from "node:assert/strict";
import { test } from "node:test";

import { media, note } from "./media.js";

const TOKEN = "a token";

/** A page that shows a source of four bytes; gives what it was asked for, to be answered when the test likes. */
function page(t) {
  const asked = [];
  const offers = () => {
    const { port1, port2 } = new MessageChannel();
    t.after(() => port1.close());
    port1.onmessage = ({ data }) => asked.push({ port: port1, id: data[0] });
    note({ token: TOKEN, size: 4, mime: "image/png", port: port2 });
  };
  const isAsked = async () => {
    while (!asked.length) await new Promise((resolve) => setImmediate(resolve));
    return asked.shift();
  };
  t.after(() => note({ token: TOKEN }));
  return { offers, isAsked };
}

const request = { destination: "image", headers: new Headers() };

test("what a page offers a second time breaks off nothing that is read", async (t) => {
  const { offers, isAsked } = page(t);
  offers();
  const answer = await media({ request, clientId: "page" }, TOKEN);
  const bytes = answer.arrayBuffer();
  const { port, id } = await isAsked();
  // The address was asked for before the first offer came, so the page was asked for another.
  offers();
  port.postMessage([id, new Uint8Array([1, 2, 3, 4])]);
  assert.deepEqual(new Uint8Array(await bytes), new Uint8Array([1, 2, 3, 4]));
});

test("what is offered while its page is looked for is read at once", async (t) => {
  const { offers, isAsked } = page(t);
  let found;
  globalThis.self = { clients: { get: () => new Promise((resolve) => (found = resolve)) } };
  t.after(() => delete globalThis.self);
  const answer = media({ request, clientId: "page" }, TOKEN);
  offers();
  // The page is asked all the same, and offers once more.
  found({ postMessage: offers });
  assert.equal((await answer).status, 200);
  const bytes = (await answer).arrayBuffer();
  const { port, id } = await isAsked();
  port.postMessage([id, new Uint8Array([1, 2, 3, 4])]);
  assert.deepEqual(new Uint8Array(await bytes), new Uint8Array([1, 2, 3, 4]));
});

test("what is over is read no further", async (t) => {
  const { offers, isAsked } = page(t);
  offers();
  const answer = await media({ request, clientId: "page" }, TOKEN);
  const bytes = answer.arrayBuffer();
  await isAsked();
  note({ token: TOKEN });
  await assert.rejects(bytes, /over/);
});

test("what is over while its page is asked for it is told at once, as no fault of the network", async (t) => {
  const asked = new Promise((resolve) => {
    globalThis.self = { clients: { get: async () => ({ postMessage: resolve }) } };
  });
  t.after(() => delete globalThis.self);
  const answer = media({ request, clientId: "page" }, TOKEN);
  assert.deepEqual(await asked, { type: "media", token: TOKEN });
  note({ token: TOKEN });
  assert.equal((await answer).status, 204);
});

test("a page that is opened at such an address finds nothing", async () => {
  const opened = { destination: "document", headers: new Headers() };
  assert.equal((await media({ request: opened, clientId: "page" }, TOKEN)).status, 404);
});
