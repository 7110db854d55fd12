// Uploads and downloads: by button, by dropping, with the tray; and what goes wrong.

import assert from "node:assert/strict";
import { readFile, unlink } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { downloads, saves, drops, line, tray, uploads } from "./support/transfers.js";
import { noise, world } from "./support/world.js";
import { unzip } from "./support/zip.js";

const MIB = 1024 * 1024;

test("files of all sizes come back byte for byte, on another device too", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const contents = {
    "empty.bin": Buffer.alloc(0),
    "one.bin": Buffer.from([7]),
    "frame.bin": noise(64 * 1024, 2),
    "odd.bin": noise(MIB + 1, 3),
    "photo.jpg": noise(3 * MIB + 12_345, 4),
  };
  const disk = await w.disk(contents);
  await uploads(laptop, Object.keys(contents).map((name) => path.join(disk, name)));
  await laptop.sees(...Object.keys(contents));
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  for (const device of [laptop, phone]) {
    for (const [name, content] of Object.entries(contents)) {
      const got = await downloads(device, name);
      assert.equal(got.name, name);
      assert.ok(got.bytes.equals(content), `${name} is byte-equal on the ${device.name}`);
    }
  }
});

test("a large file comes back byte for byte on another device", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const film = noise(24 * MIB + 17, 5);
  const disk = await w.disk({ "film.mkv": film });
  await uploads(laptop, [path.join(disk, "film.mkv")]);
  await laptop.sees("film.mkv");
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  const got = await downloads(phone, "film.mkv");
  assert.ok(got.bytes.equals(film));
});

test("a folder is uploaded by the button and downloaded as a ZIP", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const contents = {
    "Trip/day 1/beach.txt": Buffer.from("sand\r\nand sea\r\n"),
    "Trip/day 1/pic.png": noise(200_000, 6),
    "Trip/day 2/empty.dat": Buffer.alloc(0),
    "Trip/Übersicht – 旅.md": Buffer.from("# Trip\n"),
  };
  const disk = await w.disk(contents);
  await uploads(laptop, path.join(disk, "Trip"), "Upload folder");
  await laptop.sees("Trip");
  await laptop.isOnServer();

  const got = await downloads(laptop, "Trip");
  assert.match(got.name, /^Trip\.zip$/);
  const files = unzip(await readFile(got.file));
  assert.deepEqual([...files.keys()].sort(), Object.keys(contents).sort());
  for (const [name, content] of Object.entries(contents)) {
    assert.ok(files.get(name).equals(content), name);
  }

  await laptop.createsText("old.txt", "deleted since");
  await laptop.deletes("old.txt");
  await laptop.page.getByRole("link", { name: "Settings" }).first().click();
  const all = await saves(laptop, "Download everything");
  assert.equal(all.name, "My files.zip");
  const everything = [...unzip(all.bytes).keys()].sort();
  const expected = [...Object.keys(contents).map((name) => `My files/${name}`), "Trash/old.txt"];
  assert.deepEqual(everything, expected.sort());
});

test("files and folders are dropped on the window", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "loose.bin": noise(5_000, 7), "Album/one.bin": noise(6_000, 8), "Album/in/two.bin": noise(7_000, 9) });
  await drops(laptop, [path.join(disk, "loose.bin"), path.join(disk, "Album")]);
  await laptop.sees("loose.bin", "Album");
  await laptop.entersFolder("Album");
  await laptop.sees("one.bin", "in");
  await laptop.entersFolder("in");
  await laptop.sees("two.bin");
  await laptop.isOnServer();
});

test("a transfer is paused and resumed in the tray", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const bytes = noise(12 * MIB, 10);
  const disk = await w.disk({ "slow.bin": bytes });
  await uploads(laptop, [path.join(disk, "slow.bin")]);
  await line(laptop, "slow.bin").getByRole("button", { name: /pause/i }).click();
  await line(laptop, "slow.bin").getByRole("button", { name: /resume/i }).click();
  await laptop.sees("slow.bin");
  await laptop.isOnServer();
  assert.ok((await downloads(laptop, "slow.bin")).bytes.equals(bytes));
});

test("names that exist are asked about once for the batch", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const first = await w.disk({ "a.bin": "one", "b.bin": "two" });
  const second = await w.disk({ "a.bin": "ONE", "b.bin": "TWO", "c.bin": "THREE" });
  const all = (disk, ...names) => names.map((name) => path.join(disk, name));
  await uploads(laptop, all(first, "a.bin", "b.bin"));
  await laptop.sees("a.bin", "b.bin");

  await uploads(laptop, all(second, "a.bin", "b.bin"));
  await laptop.page.getByRole("dialog").getByRole("button", { name: /skip/i }).click();
  assert.equal((await downloads(laptop, "a.bin")).bytes.toString(), "one");

  await uploads(laptop, all(second, "a.bin"));
  await laptop.page.getByRole("dialog").getByRole("button", { name: /replace/i }).click();
  await laptop.isOnServer();
  assert.equal((await downloads(laptop, "a.bin")).bytes.toString(), "ONE");

  await uploads(laptop, all(second, "b.bin", "c.bin"));
  await laptop.page.getByRole("dialog").getByRole("button", { name: /keep both/i }).click();
  await laptop.sees("a.bin", "b.bin", "c.bin");
  await laptop.grid.getByRole("row").nth(4).waitFor();
  assert.equal((await laptop.names()).length, 4);
  assert.equal((await downloads(laptop, "b.bin")).bytes.toString(), "two");
});

test("a file that vanishes before it is read is named, and the others arrive", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const disk = await w.disk({ "clash.bin": "x", "gone.bin": noise(2 * MIB, 11), "stays.bin": noise(2 * MIB, 12) });
  await uploads(laptop, [path.join(disk, "clash.bin")]);
  await laptop.sees("clash.bin");
  await uploads(laptop, ["clash.bin", "gone.bin", "stays.bin"].map((name) => path.join(disk, name)));
  const question = laptop.page.getByRole("dialog");
  await question.waitFor();
  await unlink(path.join(disk, "gone.bin"));
  await question.getByRole("button", { name: /skip/i }).click();
  await laptop.sees("stays.bin");
  await line(laptop, "gone.bin").getByRole("button", { name: /retry/i }).waitFor();
  await laptop.doesNotSee("gone.bin");
  await laptop.isOnServer();
});

test("a browser that is full says so, keeps what it has, and goes on when there is room", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  await laptop.createsText("kept.txt", "still here");
  await laptop.isOnServer();
  await laptop.isReadyForOffline();
  const disk = await w.disk({ "huge.bin": noise(16 * MIB, 13) });
  await laptop.allowsStorage(8 * MIB);
  await uploads(laptop, [path.join(disk, "huge.bin")]);
  const retry = line(laptop, "huge.bin").getByRole("button", { name: /retry/i });
  await retry.waitFor();
  assert.match(await tray(laptop).innerText(), /full|space|room/i);
  assert.equal(await laptop.textOf("kept.txt"), "still here");
  await laptop.allowsStorage(null);
  await retry.click();
  await laptop.sees("huge.bin");
  await laptop.isOnServer();
  assert.equal((await downloads(laptop, "huge.bin")).bytes.length, 16 * MIB);
});

test("an upload that the server's death interrupted goes on when it is back", async (t) => {
  const w = await world(t);
  const laptop = await w.firstDevice("laptop");
  const bytes = noise(14 * MIB, 14);
  const disk = await w.disk({ "backup.tar": bytes });
  await laptop.isOnServer();
  laptop.serverMayBeGone();
  await uploads(laptop, [path.join(disk, "backup.tar")]);
  await line(laptop, "backup.tar").waitFor();
  await w.server.kill();
  await laptop.sees("backup.tar");
  await laptop.statusReads(/Offline|Saved here/);
  await w.server.restart();
  await laptop.isOnServer();
  const phone = await w.nextDevice("phone");
  assert.ok((await downloads(phone, "backup.tar")).bytes.equals(bytes));
});
