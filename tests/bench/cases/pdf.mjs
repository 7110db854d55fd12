// A PDF that is in memory: until its first page is painted 1,000 pixels wide, and its text is known.
// Ours as the preview does it: a new worker for each file, its module compiled with the first file and
// before each that follows; pdf.js with one worker for all. The files are those that `cargo xtask corpus` fetched, a sample spread over them.

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

import { compare, parserOf, sample } from "../support/corpus.mjs";
import { packageOf, Stage } from "../support/stage.mjs";

export const title = "the first page of a PDF, in one browser";

const FILES = 60;

/** Shows each file by both, in turns; milliseconds, or null where one of them does not. */
async function measure(given) {
  const { inTurns } = await import("/parser.mjs");
  const pdfjs = await import("/pdf.mjs");
  pdfjs.GlobalWorkerOptions.workerSrc = "/pdf.worker.mjs";
  const theirs = new pdfjs.PDFWorker();
  const canvas = document.body.appendChild(document.createElement("canvas"));
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

  async function offing(parser, file) {
    try {
      const { data } = await parser.open(file, "file.pdf");
      if (!data.open) throw new Error("locked");
      const [width, height] = data.open.pages[0];
      const scale = 1000 / width;
      const [columns, rows] = [1000, Math.min(Math.floor(height * scale), 2000)];
      const { bytes } = await parser.ask({ draw: { page: 0, scale, tile: { x: 0, y: 0, width: columns, height: rows } } });
      Object.assign(canvas, { width: columns, height: rows });
      canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(bytes), columns, rows), 0, 0);
      await painted();
      const runs = await parser.ask({ text: { page: 0 } });
      return runs.data.length;
    } finally {
      parser.end();
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

  return inTurns(given, offing, "pdf.js", pdf);
}

export async function run() {
  const built = path.join(packageOf("pdfjs-dist"), "build");
  const { files: own, ...parser } = await parserOf("pdf");
  const files = {
    ...own,
    ...(await sample(/\.pdf$/i, FILES)),
    "/pdf.mjs": await readFile(path.join(built, "pdf.min.mjs")),
    "/pdf.worker.mjs": await readFile(path.join(built, "pdf.worker.min.mjs")),
  };
  for (const folder of ["cmaps", "standard_fonts"]) {
    for (const name of await readdir(path.join(packageOf("pdfjs-dist"), folder))) {
      files[`/${folder}/${name}`] = await readFile(path.join(packageOf("pdfjs-dist"), folder, name));
    }
  }
  const stage = await Stage.open(files);
  try {
    return compare(await stage.page.run(measure, { count: FILES, ...parser }), "pdf.js");
  } finally {
    await stage.end();
  }
}
