// What an app reads with its camera: a QR code, drawn as one path.

import encodeQR from "qr";

/** Modules of nothing around it, as readers want them. */
const BORDER = 4;

/** Draws a text; `label` says what it is to who cannot see it. */
export function drawn(text, label) {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: BORDER });
  const namespace = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(namespace, "svg");
  picture.setAttribute("class", "factor-picture");
  picture.setAttribute("viewBox", `0 0 ${rows[0].length} ${rows.length}`);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", label);
  picture.setAttribute("shape-rendering", "crispEdges");
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", pathOf(rows));
  picture.append(path);
  return picture;
}

/** A path of the dark modules, a stretch of each row at a time. */
export function pathOf(rows) {
  const parts = [];
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x += 1;
      const wide = x + 1 - start;
      parts.push(`M${start} ${y}h${wide}v1h-${wide}z`);
    }
  });
  return parts.join("");
}
