// A PDF that is in memory: until its first page is painted 1,000 pixels wide, and its text is known.
// Ours as the preview does it, a new worker and a newly compiled module for each file; pdf.js with one
// worker for all. The files are those that `cargo xtask corpus` fetched, a sample spread over them.

import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { median, MIB, quantile, round } from "../support/figures.mjs";
import { packageOf, Stage } from "../support/stage.mjs";

export const title = "the first page of a PDF, in one browser";

const CORPUS = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../../target/corpus/files");
const FILES = 60;
const BYTES_MAX = 8 * MIB;

async function sample() {
  const names = (await readdir(CORPUS, { recursive: true }).catch(() => [])).filter((name) => /\.pdf$/i.test(name)).sort();
  const fit = [];
  for (const name of names) {
    const { size } = await stat(path.join(CORPUS, name));
    if (size > 2_000 && size <= BYTES_MAX) fit.push(name);
  }
  if (fit.length < FILES) throw new Error(`there are ${fit.length} files in target/corpus; cargo xtask corpus fetches them`);
  return Array.from({ length: FILES }, (_, place) => fit[Math.floor((place * fit.length) / FILES)]);
}

/** Shows each file by both, in turns; milliseconds, or null where one of them does not. */
async function measure({ count, script, wasm }) {
  const pdfjs = await import("/pdf.mjs");
  pdfjs.GlobalWorkerOptions.workerSrc = "/pdf.worker.mjs";
  const theirs = new pdfjs.PDFWorker();
  const bytesOf = async (url) => (await fetch(url)).arrayBuffer();
  const canvas = document.body.appendChild(document.createElement("canvas"));
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

  async function offing(file, module) {
    const worker = new Worker(script);
    try {
      let last = 0;
      const ask = (message, transfer = []) =>
        new Promise((resolve, reject) => {
          const late = setTimeout(() => reject(new Error("late")), 10_000);
          worker.onmessage = ({ data: { answer, refused, broke } }) => {
            clearTimeout(late);
            if (!answer) return reject(new Error(refused ?? broke));
            const length = new DataView(answer.buffer).getUint32(0, true);
            resolve({ data: JSON.parse(new TextDecoder().decode(answer.subarray(4, 4 + length))), bytes: answer.subarray(4 + length) });
          };
          worker.postMessage({ id: (last += 1), ...message }, transfer);
        });
      const { data } = await ask({ open: { wasm: module, bytes: new Uint8Array(file), name: "file.pdf" } }, [module, file]);
      if (!data.open) throw new Error("locked");
      const [width, height] = data.open.pages[0];
      const scale = 1000 / width;
      const [columns, rows] = [1000, Math.min(Math.floor(height * scale), 2000)];
      const { bytes } = await ask({ ask: JSON.stringify({ draw: { page: 0, scale, tile: { x: 0, y: 0, width: columns, height: rows } } }) });
      Object.assign(canvas, { width: columns, height: rows });
      canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(bytes), columns, rows), 0, 0);
      await painted();
      const runs = await ask({ ask: JSON.stringify({ text: { page: 0 } }) });
      return runs.data.length;
    } finally {
      worker.terminate();
    }
  }

  async function pdf(file) {
    const opened = pdfjs.getDocument({ data: new Uint8Array(file), worker: theirs, verbosity: 0, cMapUrl: "/cmaps/", standardFontDataUrl: "/standard_fonts/" });
    try {
      const document = await Promise.race([opened.promise, new Promise((_, reject) => setTimeout(() => reject(new Error("late")), 10_000))]);
      const page = await document.getPage(1);
      const { width } = page.getViewport({ scale: 1 });
      const viewport = page.getViewport({ scale: 1000 / width });
      Object.assign(canvas, { width: 1000, height: Math.min(Math.floor(viewport.height), 2000) });
      await page.render({ canvas, canvasContext: canvas.getContext("2d"), viewport }).promise;
      await painted();
      return (await page.getTextContent()).items.length;
    } finally {
      await opened.destroy();
    }
  }

  const found = { offing: [], "pdf.js": [] };
  for (let at = 0; at < count; at += 1) {
    for (const [name, show] of [["offing", offing], ["pdf.js", pdf]]) {
      const [file, module] = await Promise.all([bytesOf(`/file-${at}`), bytesOf(wasm)]);
      const start = performance.now();
      found[name].push(await show(file, module).then(() => performance.now() - start, () => null));
    }
  }
  return found;
}

export async function run() {
  const names = await sample();
  const built = path.join(packageOf("pdfjs-dist"), "build");
  const files = {
    "/pdf.mjs": await readFile(path.join(built, "pdf.min.mjs")),
    "/pdf.worker.mjs": await readFile(path.join(built, "pdf.worker.min.mjs")),
  };
  for (const folder of ["cmaps", "standard_fonts"]) {
    for (const name of await readdir(path.join(packageOf("pdfjs-dist"), folder))) {
      files[`/${folder}/${name}`] = await readFile(path.join(packageOf("pdfjs-dist"), folder, name));
    }
  }
  for (const [at, name] of names.entries()) files[`/file-${at}`] = await readFile(path.join(CORPUS, name));
  const assets = await readdir(path.join(process.env.OFFING_ASSETS, "assets"));
  const asset = (ending) => `/assets/${assets.find((name) => name.startsWith("preview-pdf-") && name.endsWith(ending))}`;
  const stage = await Stage.open(files);
  try {
    const found = await stage.page.run(measure, { count: FILES, script: asset(".js"), wasm: asset(".wasm") });
    const both = names.map((_, at) => [found.offing[at], found["pdf.js"][at]]).filter((pair) => !pair.includes(null));
    const rows = ["offing", "pdf.js"].flatMap((name, side) => [
      { figure: `${name}: files shown, of ${FILES}`, value: found[name].filter((time) => time !== null).length },
      { figure: `${name}: median of what both show`, value: round(median(both.map((pair) => pair[side]))), unit: "ms" },
      { figure: `${name}: 9 of 10 are sooner than`, value: round(quantile(both.map((pair) => pair[side]), 0.9)), unit: "ms" },
    ]);
    const ratio = median(both.map(([ours, theirs]) => theirs / ours));
    return [...rows, { figure: "pdf.js's time, in the median of files", value: round(ratio, 2), unit: "times ours" }];
  } finally {
    await stage.end();
  }
}
