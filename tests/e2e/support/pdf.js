// PDF files as small as they come, for tests to open.

const text = (words) => words.replace(/[\\()]/g, "\\$&");

/** A link at a place of a page, which does this at a click: an action, or a destination. */
export const linkAt = (left, bottom, does) => `<< /Subtype /Link /Rect [${left} ${bottom} ${left + 80} ${bottom + 16}] ${does} >>`;

/**
 * A file with a page for each text, those with the numbers of `links` with such annotations; the outline
 * leads to the last one.
 */
export function makePdf(pages, { title, links = {} }) {
  const first = 6;
  const ids = pages.map((_, index) => first + index * 2);
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R /Outlines << /First 5 0 R >> >>",
    `<< /Type /Pages /Kids [${ids.map((id) => `${id} 0 R`).join(" ")}] /Count ${pages.length} >>`,
    `<< /Title (${text(title)}) >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    `<< /Title (${text(title)}) /Dest [${ids.at(-1)} 0 R /Fit] >>`,
  ];
  pages.forEach((words, index) => {
    const drawn = `1 0 0 rg 0 0 300 20 re f 0 g BT /F 12 Tf 20 160 Td (${text(words)}) Tj ET`;
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents ${ids[index] + 1} 0 R ` +
        `/Annots [${links[index + 1]?.join(" ") ?? ""}] ` +
        "/Resources << /Font << /F 4 0 R >> >> >>",
      `<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`,
    );
  });
  let file = "%PDF-1.7\n";
  const places = objects.map((object, index) => {
    const place = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(place).padStart(10, "0")} 00000 n \n`;
  });
  const table = file.length;
  const size = objects.length + 1;
  file += `xref\n0 ${size}\n0000000000 65535 f \n${places.join("")}`;
  file += `trailer\n<< /Size ${size} /Root 1 0 R /Info 3 0 R >>\nstartxref\n${table}\n%%EOF`;
  return Buffer.from(file, "latin1");
}
