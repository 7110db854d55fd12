// The server is blind: after a full story, nothing that a person wrote, named or keeps
// secret is in what the server stores, prints or is sent.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { Tap, filesBelow, findings } from "./support/blind.js";
import { freePort } from "./support/server.js";
import { uploads } from "./support/transfers.js";
import { PASSWORD, world } from "./support/world.js";

test("the scan itself finds a text in every writing", () => {
  const secret = "Zimtschnecke";
  const hidden = [
    Buffer.from(`..${secret}..`),
    Buffer.from(secret, "utf16le"),
    Buffer.from(Buffer.from(secret).toString("hex")),
    ...[0, 1, 2].map((offset) => Buffer.from(Buffer.from("x".repeat(offset) + secret + "yz").toString("base64"))),
  ];
  for (const bytes of hidden) assert.ok(findings("here", bytes, [secret]).length > 0);
  assert.deepEqual(findings("here", Buffer.from("nothing at all"), [secret]), []);
});

test("after a full story the server holds none of the names, texts and secrets", async (t) => {
  const front = await freePort();
  const w = await world(t, { origin: `http://localhost:${front}` });
  const tap = await Tap.start(front, w.server.port);
  t.after(() => tap.end());

  const names = ["Tagebuch Sommer.md", "Steuererklaerung", "Kontoauszug.csv", "Zimtschnecken.txt", "Lebkuchenrezept.txt"];
  const texts = ["Heimlichkeit im Morgengrauen", "IBAN DE02120300000000202051", "drei Eier und Muskatnuss", "unterwegs geschrieben"];
  const laptop = await w.firstDevice("laptop");
  await laptop.createsFolder("Steuererklaerung");
  await laptop.createsText("Tagebuch Sommer.md", texts[0]);
  const disk = await w.disk({ "Kontoauszug.csv": `${texts[1]};42\n`.repeat(2_000) });
  await uploads(laptop, [path.join(disk, "Kontoauszug.csv")]);
  await laptop.sees("Kontoauszug.csv");
  await laptop.createsText("Zimtschnecken.txt", texts[2]);
  await laptop.renames("Zimtschnecken.txt", "Lebkuchenrezept.txt");
  await laptop.moves("Kontoauszug.csv", "Steuererklaerung");
  await laptop.isOnServer();

  const phone = await w.nextDevice("phone");
  phone.serverMayBeGone();
  await phone.edits("Tagebuch Sommer.md");
  await phone.entersAirplaneMode();
  await phone.types(` ${texts[3]}`);
  await phone.leavesAirplaneMode();
  await phone.isOnServer();
  await laptop.isOnServer();

  const tablet = await w.device("tablet");
  const newPassword = "Donnerwetter am Kanal";
  await tablet.recovers("alice", laptop.kit.code, newPassword);
  await tablet.sees("Tagebuch Sommer.md");
  await tablet.isOnServer();

  const code = laptop.kit.code;
  const secrets = [...names, ...texts, PASSWORD, newPassword, code, code.replaceAll("-", ""), code.toLowerCase(), "My files"];
  const found = [];
  for await (const [where, bytes] of filesBelow(w.server.data)) found.push(...findings(where, bytes, secrets));
  found.push(...findings("what the server printed", Buffer.from(w.server.printed), secrets));
  const sent = Buffer.concat(tap.sent);
  assert.ok(sent.length > 10_000, "the tap was on the wire");
  found.push(...findings("what was sent", sent, secrets));
  assert.deepEqual(found, []);
});
