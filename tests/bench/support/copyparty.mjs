// The peer of the start-up figure, installed by pip into a virtual environment of its own.

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { freePort } from "../../e2e/support/server.js";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const VENV = path.join(ROOT, "target/bench-venv");
const VERSION = "1.20.26";

/** Serves a folder; `null` where it cannot be installed. */
export async function copyparty(folder) {
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
  const child = spawn(program, ["-q", "-i", "127.0.0.1", "-p", String(port), "-v", `${folder}::r`, "--no-thumb"], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}/`;
  const deadline = Date.now() + 20_000;
  while (!(await fetch(url).then((reply) => reply.ok, () => false))) {
    if (Date.now() > deadline) throw new Error("copyparty does not answer");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, end: () => child.kill() };
}
