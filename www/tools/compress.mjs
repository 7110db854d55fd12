// Writes a brotli sibling (`<file>.br`) beside every file given, at the highest
// quality; called by `cargo xtask build`. Arguments: a folder, searched as a whole.
// Files that are packed already are left alone.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const compress = promisify(brotliCompress);
const packed = new Set([".br", ".png", ".woff2"]);

async function pack(path) {
  const bytes = await readFile(path);
  const smaller = await compress(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  await writeFile(`${path}.br`, smaller);
}

const folder = process.argv[2];
const names = await readdir(folder, { recursive: true, withFileTypes: true });
const files = names
  .filter((entry) => entry.isFile() && !packed.has(extname(entry.name)))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
await Promise.all(files.map(pack));
