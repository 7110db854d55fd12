// The key of whoever releases: Ed25519, PKCS #8 in PEM. It signs releases and the modules of previews.

import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

/** Reads the key in a file; whoever builds for himself gets one made there, once. */
export async function releaseKey(path) {
  const text = await readFile(path).catch((error) => {
    if (error.code !== "ENOENT") throw error;
    return newKey(path);
  });
  return createPrivateKey(text);
}

/** Makes a key in a file that is not there yet. */
export async function newKey(path) {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  await writeFile(path, pem, { mode: 0o600, flag: "wx" });
  return pem;
}

/** The public half, as releases name it. */
export const publicOf = (key) => createPublicKey(key).export({ format: "jwk" }).x;
