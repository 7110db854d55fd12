// The first page of a PDF, small: pixels for the page to make a thumb of.

export async function thumb({ about, ask, line, side }) {
  // One under a password shows nothing.
  if (!about.open) return line.ask("failed", { reason: "locked" });
  const [width, height] = about.open.pages[0];
  const scale = side / Math.max(width, height);
  const pixels = (points) => Math.min(side, Math.max(1, Math.round(points * scale)));
  const tile = { x: 0, y: 0, width: pixels(width), height: pixels(height) };
  const { bytes } = await ask({ draw: { page: 0, scale, tile } });
  line.ask("drawn", { width: tile.width, height: tile.height, bytes });
}
