// In the stage's page: the first page of a PDF painted 1,000 pixels wide, and its text known. What shows
// it is held until the caller lets it go.

const WIDE = 1000;
const HIGH_MAX = 2000;
const canvas = document.body.appendChild(document.createElement("canvas"));
const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
let theirs = null;

/** By a parser of ours, which has its module. */
export async function offing(parser, file) {
  const { data } = await parser.open(file, "file.pdf");
  if (!data.open) throw new Error("locked");
  const [width, height] = data.open.pages[0];
  const scale = WIDE / width;
  const rows = Math.min(Math.floor(height * scale), HIGH_MAX);
  const { bytes } = await parser.ask({ draw: { page: 0, scale, tile: { x: 0, y: 0, width: WIDE, height: rows } } });
  Object.assign(canvas, { width: WIDE, height: rows });
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(bytes), WIDE, rows), 0, 0);
  await painted();
  await parser.ask({ text: { page: 0 } });
}

/** Loads pdf.js and starts its worker, one for all files. */
export async function begin() {
  const pdfjs = await import("/pdf.mjs");
  pdfjs.GlobalWorkerOptions.workerSrc = "/pdf.worker.mjs";
  theirs = { pdfjs, worker: new pdfjs.PDFWorker() };
}

/** By pdf.js; what lets it go. */
export async function other(file) {
  const { pdfjs, worker } = theirs;
  const opened = pdfjs.getDocument({ data: new Uint8Array(file), worker, verbosity: 0, cMapUrl: "/cmaps/", standardFontDataUrl: "/standard_fonts/" });
  try {
    const document = await Promise.race([opened.promise, new Promise((_, reject) => setTimeout(() => reject(new Error("late")), 10_000))]);
    const page = await document.getPage(1);
    const { width } = page.getViewport({ scale: 1 });
    const viewport = page.getViewport({ scale: WIDE / width });
    Object.assign(canvas, { width: WIDE, height: Math.min(Math.floor(viewport.height), HIGH_MAX) });
    await page.render({ canvas, canvasContext: canvas.getContext("2d"), viewport }).promise;
    await painted();
    await page.getTextContent();
  } catch (error) {
    await opened.destroy();
    throw error;
  }
  return () => opened.destroy();
}
