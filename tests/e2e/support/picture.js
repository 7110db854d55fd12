// A picture that a browser draws, made here.

import { crc32, deflateSync } from "node:zlib";

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A PNG of one colour, `[red, green, blue]`. */
export function picture(colour, width = 320, height = 200) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), ...Array(width).fill(Buffer.from(colour))]);
  const pixels = deflateSync(Buffer.concat(Array(height).fill(row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

/** A PNG of black and white as large as it says, which packs to almost nothing. */
export function enormousPicture(width, height) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([1, 0, 0, 0, 0], 8);
  const pixels = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

/** A photo as a camera writes it: a JPEG of a tab's browser, with what it says of itself. */
export async function photo(tab, said) {
  const drawn = await tab.page.evaluate(async () => {
    const canvas = new OffscreenCanvas(640, 480);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "teal";
    pen.fillRect(0, 0, 640, 300);
    return [...new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer())];
  });
  const [plain, says] = [Buffer.from(drawn), exif(said)];
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(says.length + 8, 2);
  return Buffer.concat([plain.subarray(0, 2), head, Buffer.from("Exif\0\0", "latin1"), says, plain.subarray(2)]);
}

/** A picture of one colour that says something of itself behind its pixels. */
export function spokenPicture(said) {
  const plain = picture([200, 120, 40]);
  return Buffer.concat([plain.subarray(0, -12), chunk("eXIf", exif(said)), plain.subarray(-12)]);
}

/**
 * A block of EXIF: `author`, `taken`, and `place` as degrees, minutes and seconds to the north and to
 * the west.
 */
export function exif({ author, taken = "2024:05:06 07:08:09", place }) {
  const text = (number, value) => ({ number, type: 2, count: Buffer.byteLength(value) + 1, data: Buffer.from(`${value}\0`) });
  const ratios = (number, values) => {
    const data = Buffer.alloc(values.length * 8);
    values.forEach((value, at) => (data.writeUInt32LE(Math.round(value * 100), at * 8), data.writeUInt32LE(100, at * 8 + 4)));
    return { number, type: 5, count: values.length, data };
  };
  const long = (number, value) => {
    const data = Buffer.alloc(4);
    data.writeUInt32LE(value);
    return { number, type: 4, count: 1, data };
  };
  const camera = [ratios(0x829a, [0.04]), ratios(0x829d, [2.8]), text(0x9003, taken)];
  const spot = place && [text(1, "N"), ratios(2, place[0]), text(3, "W"), ratios(4, place[1])];
  const lists = [[text(0x10f, "Kestrel"), text(0x110, "Kestrel K5"), author && text(0x13b, author)].filter(Boolean), camera, spot].filter(Boolean);
  // The first list leads to the others.
  const pointers = [0x8769, 0x8825].slice(0, lists.length - 1).map((number) => long(number, 0));
  lists[0].push(...pointers);
  const lengths = lists.map((list) => 2 + 12 * list.length + 4);
  const starts = lengths.map((_, at) => 8 + lengths.slice(0, at).reduce((sum, one) => sum + one, 0));
  pointers.forEach(({ data }, at) => data.writeUInt32LE(starts[at + 1]));
  let values = 8 + lengths.reduce((sum, one) => sum + one, 0);
  const [heads, bodies] = [[Buffer.from("II*\0\x08\0\0\0", "latin1")], []];
  for (const list of lists) {
    const head = Buffer.alloc(2 + 12 * list.length + 4);
    head.writeUInt16LE(list.length);
    list.forEach(({ number, type, count, data }, at) => {
      const entry = head.subarray(2 + 12 * at);
      entry.writeUInt16LE(number);
      entry.writeUInt16LE(type, 2);
      entry.writeUInt32LE(count, 4);
      if (data.length <= 4) return data.copy(entry, 8);
      entry.writeUInt32LE(values, 8);
      bodies.push(data);
      values += data.length;
    });
    heads.push(head);
  }
  return Buffer.concat([...heads, ...bodies]);
}
