// One tab, in sentences: what a person does in it and sees in it.
//
// Everything is found by role and accessible name, as a screen reader would, never by
// style classes. Nothing waits for a span of time, only for what should be seen.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

export const PATIENCE_MS = 30_000;
const ASK_AGAIN_MS = 100;

export class Tab {
  constructor(page, device) {
    this.page = page;
    this.device = device ?? this;
    page?.setDefaultTimeout(PATIENCE_MS);
  }

  get origin() {
    return this.device.server.origin;
  }

  async opens(address = "/") {
    await this.page.goto(new URL(address, this.origin).href, { waitUntil: "commit" });
  }

  async reloads() {
    await this.page.reload({ waitUntil: "commit" });
  }

  /** Waits until the page, or the one that is loaded in its place, answers a question with something
   * true: unlike `waitForFunction`, also to one whose answer takes a while. */
  async until(question, about) {
    const giveUpAt = Date.now() + PATIENCE_MS;
    let failed = "";
    // A page that is left while it answers fails.
    const fails = (error) => void (failed = error.message);
    while (!(await this.page.evaluate(question, about).catch(fails))) {
      assert.ok(Date.now() < giveUpAt, `never true: ${question} ${failed}`);
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }

  // ------------------------------------------------------------------ account

  /** Makes an account by a sign-up link, and reads the recovery kit back; returns the kit. */
  async signsUp(link, username, password) {
    await this.opens(link);
    await this.fillsSignUp(username, password);
    const kit = await this.takesKit();
    await this.sees();
    return kit;
  }

  async fillsSignUp(username, password, repeated = password) {
    const { page } = this;
    await page.getByRole("textbox", { name: "Username" }).fill(username);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByLabel("Repeat password").fill(repeated);
    await page.getByRole("button", { name: "Create account" }).click();
  }

  /** Downloads the recovery kit and types its code back. */
  async takesKit() {
    const dialog = this.page.getByRole("dialog", { name: "Recovery kit" });
    await dialog.waitFor();
    const [download] = await Promise.all([
      this.page.waitForEvent("download"),
      dialog.getByRole("button", { name: "Download kit" }).click(),
    ]);
    const text = await readFile(await download.path(), "utf8");
    const code = text.match(/[0-9A-Z]{4,8}(?:-[0-9A-Z]{4,8}){3,}/)?.[0];
    assert.ok(code, `the kit holds a code:\n${text}`);
    await dialog.getByRole("textbox").fill(code.toLowerCase().replaceAll("-", " "));
    await dialog.getByRole("button", { name: "Continue" }).click();
    await dialog.waitFor({ state: "hidden" });
    return { code, text, fileName: download.suggestedFilename() };
  }

  async signsIn(username, password, { waits = true, borrowed = false } = {}) {
    const { page } = this;
    await this.opens("/");
    await page.getByRole("textbox", { name: "Username" }).fill(username);
    await page.getByLabel("Password", { exact: true }).fill(password);
    if (borrowed) await page.getByRole("radio", { name: /someone else/i }).check();
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    if (waits) await this.sees();
  }

  /** What tells that the session has ended while work goes on. */
  get endedSession() {
    return this.page.getByRole("status").filter({ hasText: "asks you to sign in again" });
  }

  /** Gives the password once more, where the session has ended. */
  async signsInAgain(password) {
    const { page } = this;
    await this.opens("/settings");
    const form = page.getByRole("form", { name: "Sign in" });
    await form.getByLabel("Password", { exact: true }).fill(password);
    await form.getByRole("button", { name: "Sign in", exact: true }).click();
    await form.waitFor({ state: "detached" });
  }

  async signsOut() {
    await this.opens("/settings");
    await this.page.getByRole("button", { name: "Sign out" }).first().click();
    await this.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  }

  async recovers(username, code, newPassword, { waits = true } = {}) {
    const { page } = this;
    await this.opens("/recover");
    await page.getByRole("textbox", { name: "Username" }).fill(username);
    await page.getByRole("textbox", { name: /recovery code/i }).fill(code);
    await page.getByLabel("New password", { exact: true }).fill(newPassword);
    const repeated = page.getByLabel(/repeat/i);
    if (await repeated.count()) await repeated.fill(newPassword);
    await page.getByRole("button", { name: /recover|set new password|sign in/i }).last().click();
    if (waits) await this.sees();
  }

  /** Waits for a message (status or alert) that says so. */
  async isTold(pattern) {
    await this.page
      .getByRole("alert")
      .or(this.page.getByRole("status"))
      .filter({ hasText: pattern })
      .first()
      .waitFor();
  }

  /** The alert that says something; regions that are still empty do not count. */
  get alert() {
    return this.page.getByRole("alert").filter({ hasText: /\S/ }).first();
  }

  // ------------------------------------------------------------------ lists

  get grid() {
    return this.page.getByRole("grid", { name: "Files" });
  }

  row(name) {
    return this.grid.getByRole("row", { name, exact: true });
  }

  /** Waits until the list is there and shows all of these names. */
  async sees(...names) {
    await this.grid.waitFor();
    for (const name of names) await this.row(name).waitFor();
  }

  async doesNotSee(...names) {
    await this.grid.waitFor();
    for (const name of names) await this.row(name).waitFor({ state: "detached" });
  }

  async doesNotSeeText(text) {
    assert.equal(await this.page.getByText(text).count(), 0, `"${text}" is not shown`);
  }

  /** The names in the list, as shown now. */
  async names() {
    const rows = await this.grid.getByRole("row").all();
    const labels = await Promise.all(rows.map((row) => row.getAttribute("aria-label")));
    return labels.filter((label) => label !== null);
  }

  /** Waits until the list shows these names, and sees to it that it shows no other. */
  async listsExactly(...names) {
    await this.sees(...names);
    assert.deepEqual((await this.names()).sort(), [...names].sort());
  }

  async selects(...names) {
    for (const [place, name] of names.entries()) {
      await this.row(name).click({ modifiers: place ? ["Control"] : [] });
    }
  }

  /** Opens a folder or a file of the list. */
  async enters(name) {
    // A list moves when something arrives in it, under the pointer too.
    const row = this.row(name);
    const picked = this.page.getByRole("row", { name, exact: true, selected: true });
    for (let tries = 0; tries < 5; tries++) {
      await row.click();
      // Two clicks at once would open it.
      if (await picked.waitFor({ timeout: 1_000 }).then(() => true, () => false)) break;
    }
    await this.page.keyboard.press("Enter");
  }

  async entersFolder(name) {
    await this.enters(name);
    await this.crumb(name).waitFor();
  }

  crumb(name) {
    const path = this.page.getByRole("navigation", { name: "Breadcrumb" });
    return path.getByText(name, { exact: true });
  }

  async goesTo(crumb) {
    await this.page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: crumb, exact: true }).click();
  }

  async presses(name) {
    await this.page.getByRole("button", { name, exact: true }).click();
  }

  // ------------------------------------------------------------------ changes

  /** Answers the dialog that asks for a name. */
  async answersName(name, button) {
    const dialog = this.page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Name" }).fill(name);
    await dialog.getByRole("button", { name: button, exact: true }).click();
  }

  async createsFolder(name) {
    await this.presses("New folder");
    await this.answersName(name, "Create");
    await this.sees(name);
  }

  /** Makes a text file, and opens it to type `text`. */
  async createsText(name, text = "") {
    await this.presses("New text file");
    await this.answersName(name, "Create");
    await this.sees(name);
    if (!text) return;
    await this.edits(name);
    await this.types(text);
    await this.leavesEditor();
    await this.sees(name);
  }

  async renames(name, to) {
    await this.selects(name);
    await this.page.keyboard.press("F2");
    await this.answersName(to, "Rename");
    await this.sees(to);
  }

  /** Moves by the dialog; `path` leads from "My files" to the folder. */
  async moves(name, ...path) {
    await this.selects(name);
    await this.presses("Move to…");
    const dialog = this.page.getByRole("dialog", { name: /move/i });
    for (const [place, step] of path.entries()) {
      const folder = dialog.getByRole("treeitem", { name: step, exact: true }).getByText(step, { exact: true }).first();
      // A double click unfolds, a click chooses.
      await folder.click({ clickCount: place === path.length - 1 ? 1 : 2 });
    }
    await dialog.getByRole("button", { name: /^move/i }).click();
    await dialog.waitFor({ state: "hidden" });
    await this.doesNotSee(name);
  }

  async drags(name, toFolder) {
    await this.row(name).dragTo(this.row(toFolder));
    await this.doesNotSee(name);
  }

  async deletes(...names) {
    await this.selects(...names);
    await this.page.keyboard.press("Delete");
    await this.doesNotSee(...names);
  }

  async undoes() {
    await this.page.getByRole("button", { name: "Undo" }).first().click();
  }

  async opensTrash() {
    await this.page.getByRole("link", { name: "Trash" }).first().click();
    await this.page.waitForURL("**/trash");
    await this.grid.waitFor();
  }

  async restores(name) {
    await this.selects(name);
    await this.presses("Restore");
    await this.doesNotSee(name);
  }

  // ------------------------------------------------------------------ text

  get editor() {
    return this.page.getByRole("textbox", { name: "Editor" });
  }

  get preview() {
    return this.page.getByRole("region", { name: "Preview" });
  }

  /** Opens a text file of the list and waits for its editor. */
  async edits(name) {
    await this.enters(name);
    await this.editor.waitFor();
  }

  /** Types at the end of the open text. */
  async types(text) {
    await this.editor.click();
    await this.page.keyboard.press("Control+End");
    await this.page.keyboard.insertText(text);
  }

  /** Types at the start of the open text. */
  async typesAtStart(text) {
    await this.editor.click();
    await this.page.keyboard.press("Control+Home");
    await this.page.keyboard.insertText(text);
  }

  /** Waits until the open text holds all of these. */
  async reads(...texts) {
    for (const text of texts) await this.editor.filter({ hasText: text }).waitFor();
  }

  /** Pastes a picture into the open text, or drops one on it (`way`), as the browser tells of it. */
  async putsIntoText(way, name, bytes) {
    const told = (text, [way, name, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
      const { left, top } = text.getBoundingClientRect();
      const all = { bubbles: true, cancelable: true, composed: true, clientX: left + 20, clientY: top + 10 };
      const event = way === "paste"
        ? new ClipboardEvent("paste", { ...all, clipboardData: data })
        : new DragEvent("drop", { ...all, dataTransfer: data });
      text.dispatchEvent(event);
    };
    await this.editor.evaluate(told, [way, name, [...bytes]]);
  }

  /** From now on what the engine answers reaches the page with a delay, as on a busy machine. */
  async hearsItsEngineLate(delayMs) {
    await this.page.evaluate((delay) => {
      const engine = globalThis.offingEngine;
      const hear = engine.onmessage;
      engine.onmessage = (event) => setTimeout(() => hear.call(engine, event), delay);
    }, delayMs);
  }

  /** Leaves the editor for the folder that holds the file. */
  async leavesEditor() {
    await this.page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link").nth(-2).click();
    await this.grid.waitFor();
  }

  /** The text of a file of the list, as its editor shows it. */
  async textOf(name) {
    await this.edits(name);
    const text = (await this.editor.innerText()).replaceAll("\u00a0", " ").replace(/\n$/, "");
    await this.leavesEditor();
    return text;
  }

  // ------------------------------------------------------------------ status

  get pill() {
    return this.page.getByRole("status", { name: "Sync status" });
  }

  async statusReads(text) {
    await this.pill.filter({ hasText: text }).waitFor();
  }

  /** Waits until the pill says that everything is on the server. */
  async isOnServer() {
    await this.statusReads("On server");
  }

  /** What the pill has said since this page was loaded, oldest first. */
  async pillHistory() {
    return this.page.evaluate(() => globalThis.saidByPill ?? []);
  }
}
