// Uploads and downloads, as a person does them: by button, by dropping, and the tray.

import { readFile } from "node:fs/promises";

/** The tray, and a line of it. */
export function tray(tab) {
  return tab.page.getByRole("region", { name: "Transfers" });
}

export function line(tab, name) {
  return tray(tab).getByRole("listitem").filter({ hasText: name });
}

/** Picks files or, with `button: "Upload folder"`, one folder. */
export async function uploads(tab, paths, button = "Upload files") {
  const [chooser] = await Promise.all([tab.page.waitForEvent("filechooser"), tab.presses(button)]);
  await chooser.setFiles(paths);
}

/** Drops files and folders of the disk on the window, as the desktop would. */
export async function drops(tab, paths) {
  const session = await tab.device.context.newCDPSession(tab.page);
  const box = await tab.grid.boundingBox();
  const place = { x: box.x + box.width / 2, y: box.y + box.height - 10 };
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, ...place, data });
  }
  await session.detach();
}

/** Downloads what is selected; returns its bytes and the name the browser would save it as. */
export async function downloads(tab, ...names) {
  await tab.selects(...names);
  return saves(tab, "Download");
}

/** Presses a button that downloads something; returns the same. */
export async function saves(tab, button) {
  const [download] = await Promise.all([tab.page.waitForEvent("download", { timeout: 60_000 }), tab.presses(button)]);
  const file = await download.path();
  return { name: download.suggestedFilename(), file, bytes: await readFile(file) };
}
