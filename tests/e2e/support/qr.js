// What a camera reads of a picture on the screen.

import decodeQR from "qr/decode.js";

/** Reads a QR code as it is drawn. */
export async function reads(locator) {
  const screen = (await locator.screenshot()).toString("base64");
  const { data, ...size } = await locator.page().evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    return { width, height, data: Array.from(context.getImageData(0, 0, width, height).data) };
  }, screen);
  return decodeQR({ ...size, data: Uint8ClampedArray.from(data) });
}
