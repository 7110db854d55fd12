// What the preview's sandbox is made of: the script of its frame, and the modules with the
// manifest that names each by its hash.
//
// The manifest is signed by the key of whoever releases (`keys.mjs`), so that a module is run only
// if the build made it. The page's build has the public half.

import { createHash, sign } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { build, transform } from "esbuild";

import { publicOf, releaseKey } from "./keys.mjs";

/** Style sheets as texts, which the frame takes as constructed ones, and icons as addresses. */
const looks = (minify) => ({
  name: "looks",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify });
      return { contents: code, loader: "text" };
    });
    onLoad({ filter: /\.svg$/ }, async ({ path }) => {
      const plain = (await readFile(path, "utf8")).replace(/<!--.*?-->/gs, "").replace(/\s+/g, " ");
      return { contents: `data:image/svg+xml,${encodeURIComponent(plain.trim())}`, loader: "text" };
    });
  },
});

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

/** The frame's script, and its hash as a content security policy writes it. */
export async function bundleFrame(www, minify) {
  const { outputFiles } = await build({
    absWorkingDir: www,
    entryPoints: ["viewer/frame/frame.js"],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    minify,
    legalComments: "none",
    charset: "utf8",
    plugins: [looks(minify)],
  });
  const script = outputFiles[0].text.trim();
  if (/<\/script|<!--/i.test(script)) throw new Error("the frame's script would end its element");
  return { script, hash: `sha256-${sha256(script).toString("base64")}` };
}

/** Writes the modules' scripts and the manifest; answers addresses and the public key. */
export async function bundleModules(www, { out, minify, previews, releaseKey: place }) {
  const border = await readFile(join(www, "viewer/worker.js"), "utf8");
  const modules = {};
  for (const { name, glue, wasm } of previews) {
    const text = `${await readFile(glue, "utf8")}\n${border}`;
    const { code } = await transform(text, { minify, legalComments: "none", charset: "utf8" });
    const script = `/assets/preview-${name}-${sha256(code).toString("hex").slice(0, 10)}.js`;
    await writeFile(join(out, script), code);
    modules[name] = {
      script: { url: script, sha256: sha256(code).toString("hex") },
      wasm: { url: wasm, sha256: sha256(await readFile(join(out, wasm))).toString("hex") },
    };
  }
  const key = await releaseKey(place);
  const text = JSON.stringify(modules);
  const signature = sign(null, Buffer.from(text), key).toString("base64");
  const signed = JSON.stringify({ modules: text, signature });
  const manifest = `/assets/previews-${sha256(signed).toString("hex").slice(0, 10)}.json`;
  await writeFile(join(out, manifest), signed);
  const idle = Object.values(modules).flatMap(({ script, wasm }) => [script.url, wasm.url]);
  return { manifest, publicKey: publicOf(key), idle };
}
