// Bundles what of the page is JavaScript and CSS; called by `cargo xtask build`.
//
// One argument, JSON:
// {out, minify, clientGlue, engineGlue, engineWasm, opaqueGlue, opaqueWasm, markdownGlue,
// markdownWasm, searchGlue, searchWasm, swGlue, swWasm, previews, releaseKey}; of previews see `previews.mjs`.
// Writes content-hashed files to `<out>/assets`, the service worker's script to `<out>/sw.js`, those of the
// server's own pages below `<out>/admin` and `<out>/checkup`, and prints JSON with the paths of the first:
// {boot, engine, markdown, searcher, search, editor, readme, viewer, update, details, style, lazy, idle, frameHash}, where `lazy` are the
// chunks that are fetched only when somebody asks for them, so not stored for offline use, and `idle` what is
// stored when the page has nothing to do: modules of previews, and the languages of texts.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { bundleFrame, bundleModules } from "./previews.mjs";

const www = dirname(dirname(fileURLToPath(import.meta.url)));
const order = JSON.parse(process.argv[2]);
const { out, minify, clientGlue, engineGlue, opaqueGlue, markdownGlue, searchGlue } = order;

const frame = await bundleFrame(www, minify);
const modules = await bundleModules(www, order);

await bundleWorker();
await bundlePages();

const { metafile } = await build({
  absWorkingDir: www,
  entryPoints: {
    boot: "boot/boot.js",
    engine: "boot/engine.js",
    markdown: "boot/markdown.js",
    searcher: "boot/searcher.js",
    search: "search/search.js",
    editor: "editor/editor.js",
    readme: "editor/readme.js",
    code: "editor/code.js",
    viewer: "viewer/viewer.js",
    media: "viewer/media.js",
    soon: "viewer/soon.js",
    update: "update/update.js",
    details: "details/details.js",
    picture: "details/picture.js",
    document: "details/document.js",
    labels: "labels/labels.js",
    tags: "labels/tags.js",
    thumbs: "thumbs/thumbs.js",
    maker: "thumbs/maker.js",
    edges: "edges/edges.js",
    factor: "factor/ask.js",
    factors: "factor/settings.js",
    style: "styles/main.css",
  },
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify,
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
  charset: "utf8",
  alias: {
    "offing-client-glue": clientGlue,
    "offing-engine-glue": engineGlue,
    "offing-opaque-glue": opaqueGlue,
    "offing-markdown-glue": markdownGlue,
    "offing-search-glue": searchGlue,
  },
  define: {
    __ENGINE_WASM__: JSON.stringify(order.engineWasm),
    __OPAQUE_WASM__: JSON.stringify(order.opaqueWasm),
    __MARKDOWN_WASM__: JSON.stringify(order.markdownWasm),
    __SEARCH_WASM__: JSON.stringify(order.searchWasm),
    __FRAME_SCRIPT__: JSON.stringify(frame.script),
    __FRAME_HASH__: JSON.stringify(frame.hash),
    __PREVIEW_MANIFEST__: JSON.stringify(modules.manifest),
    __PREVIEW_KEY__: JSON.stringify(modules.publicKey),
  },
});

const outputs = Object.entries(metafile.outputs).map(([path, output]) => ({
  ...output,
  url: "/" + relative(out, join(www, path)),
  path,
}));
const byPath = new Map(outputs.map((output) => [output.path, output]));
const entry = (source) => outputs.find((output) => output.entryPoint === source);

/** The files that an output needs before it runs, itself included. */
function closure(output, found = new Set()) {
  if (found.has(output)) return found;
  found.add(output);
  for (const { path, kind } of output.imports) {
    if (kind === "import-statement" && byPath.has(path)) closure(byPath.get(path), found);
  }
  return found;
}

/** What an output, or a part that it needs, fetches once it is asked for. */
function imported(output) {
  const imports = [...closure(output)].flatMap((part) => part.imports);
  return imports.filter(({ kind, path }) => kind === "dynamic-import" && byPath.has(path)).map(({ path }) => byPath.get(path));
}

const entries = {
  boot: entry("boot/boot.js"),
  engine: entry("boot/engine.js"),
  markdown: entry("boot/markdown.js"),
  searcher: entry("boot/searcher.js"),
  search: entry("search/search.js"),
  editor: entry("editor/editor.js"),
  readme: entry("editor/readme.js"),
  viewer: entry("viewer/viewer.js"),
  update: entry("update/update.js"),
  details: entry("details/details.js"),
  style: entry("styles/main.css"),
};
// Fetched late, but not rarely: a sign-in must not fail for what could have been stored.
const late = [relative(www, opaqueGlue), "editor/code.js", "labels/labels.js", "labels/tags.js", "thumbs/thumbs.js", "thumbs/maker.js", "details/picture.js", "details/document.js", "viewer/media.js", "viewer/soon.js", "factor/ask.js", "factor/settings.js"].map(entry);
const needed = new Set([...Object.values(entries), ...late].flatMap((output) => [...closure(output)]));
const urls = Object.fromEntries(Object.entries(entries).map(([name, output]) => [name, output.url]));
const rest = outputs.filter((output) => !needed.has(output));
const languages = new Set(imported(entries.editor).flatMap((output) => [...closure(output)]));
const lazy = rest.filter((output) => !languages.has(output)).map((output) => output.url);
const idle = [...modules.idle, ...rest.filter((output) => languages.has(output)).map((output) => output.url)];
process.stdout.write(JSON.stringify({ ...urls, lazy, idle, frameHash: frame.hash }));

/**
 * The service worker: one classic script of the glue of its module and its own, since it may not
 * import later what it did not import while it was installed.
 */
async function bundleWorker() {
  const wasm = await readFile(join(out, order.swWasm));
  const sha256 = createHash("sha256").update(wasm).digest("hex");
  const { outputFiles } = await build({
    absWorkingDir: www,
    entryPoints: ["sw/sw.js"],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    minify,
    legalComments: "none",
    charset: "utf8",
    define: { __PUSH__: JSON.stringify({ url: order.swWasm, sha256 }) },
  });
  await writeFile(join(out, "sw.js"), `${await readFile(order.swGlue, "utf8")}\n${outputFiles[0].text}`);
}

/** The server's own pages, which are no part of the app: each has all that it needs below its address. */
async function bundlePages() {
  await build({
    absWorkingDir: www,
    entryPoints: ["admin", "checkup"].flatMap((page) => [
      { in: `${page}/${page}.js`, out: `${page}/${page}` },
      { in: "styles/own_page.css", out: `${page}/style` },
    ]),
    outdir: out,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify,
    legalComments: "none",
    logLevel: "warning",
    charset: "utf8",
  });
}
