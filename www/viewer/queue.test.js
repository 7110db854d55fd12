import assert from "node:assert/strict";
import { test } from "node:test";

import { ofKind } from "./queue.js";

test("sound follows sound, and films follow films", () => {
  const files = ["cover.jpg", "02 Ebb.MP3", "03 Flow.opus", "clip.mp4", "notes.pdf", "04 Sea.m4a", "mp3"].map((name, at) => [String(at), name]);
  const named = (kind) => ofKind(files, kind).map(([, name]) => name);
  assert.deepEqual(named("audio"), ["02 Ebb.MP3", "03 Flow.opus", "04 Sea.m4a"]);
  assert.deepEqual(named("video"), ["clip.mp4"]);
});
