// The peer of the start-up and transfer figures, installed by pip into a virtual
// environment of its own. It neither encrypts nor waits for the disk.

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { freePort } from "../../e2e/support/server.js";
import { folder } from "./figures.mjs";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const VENV = path.join(ROOT, "target/bench-venv");
const VERSION = "1.20.26";

/** The servers that were started and not ended yet. */
export const peers = new Set();

/** Serves a folder, to be read (`r`) or for everything (`A`); `null` where it cannot be installed. */
export async function copyparty(served, rights = "r") {
  const program = path.join(VENV, "bin/copyparty");
  if (!existsSync(program)) {
    try {
      execFileSync("python3", ["-m", "venv", VENV], { stdio: "ignore" });
      execFileSync(path.join(VENV, "bin/pip"), ["install", "-q", `copyparty==${VERSION}`], { stdio: "ignore" });
    } catch {
      return null;
    }
  }
  const port = await freePort();
  const env = { ...process.env, XDG_CONFIG_HOME: await folder("peer-config") };
  const more = rights === "A" ? ["-e2dsa", "--no-mtag-ff"] : [];
  const child = spawn(program, ["-q", "-i", "127.0.0.1", "-p", String(port), ...more, "-v", `${served}::${rights}`, "--no-thumb"], { stdio: "ignore", env });
  const peer = { url: `http://127.0.0.1:${port}/`, end: () => peers.delete(peer) && child.kill() };
  peers.add(peer);
  const deadline = Date.now() + 20_000;
  while (!(await fetch(peer.url).then((reply) => reply.ok, () => false))) {
    if (Date.now() > deadline) throw new Error("copyparty does not answer");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return peer;
}

/** Uploads files through copyparty's own page; returns milliseconds until it says that all are there. */
export async function uploadToPeer(page, peer, files) {
  await page.opens(peer.url);
  await page.run(async () => {
    while (!(window.up2k?.st && document.querySelector("#file1"))) await new Promise((resolve) => setTimeout(resolve, 20));
    addEventListener("change", () => (window.began = performance.now()), true);
    window.goto("up2k");
    if (window.modal) window.modal.confirm = (_, accept) => accept();
    // Its page arranges itself for a moment.
    await new Promise((resolve) => setTimeout(resolve, 500));
  });
  const { root } = await page.send("DOM.getDocument");
  const inputs = await page.send("DOM.querySelectorAll", { nodeId: root.nodeId, selector: "#u2form input[id^=file]" });
  await page.send("DOM.setFileInputFiles", { files, nodeId: inputs.nodeIds.at(-1) });
  return page.run(async (count) => {
    const deadline = performance.now() + 400_000;
    for (;;) {
      const state = window.up2k.st;
      const question = document.querySelector("#modal-ok");
      if (question?.offsetParent) question.click();
      const failed = state.files.find((file) => file.err);
      if (failed) throw new Error(`copyparty: ${failed.err}`);
      if (window.began && state.files.length >= count && !state.is_busy && state.files.every((file) => file.done)) return performance.now() - window.began;
      if (performance.now() > deadline) throw new Error("copyparty does not come to an end");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }, files.length);
}
