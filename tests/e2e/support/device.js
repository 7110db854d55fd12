// A device: a browser profile of its own, with one tab at first.
//
// Beside the sentences of `Tab` it can lose its network (airplane mode), close its last
// tab while the service worker lives on, be killed and started again, and be photographed.

import { mkdir, mkdtemp } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { Complaints } from "./console.js";
import { PATIENCE_MS, Tab } from "./tab.js";

const OUTPUT = path.join(path.dirname(fileURLToPath(import.meta.url)), "../output");
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** Runs in every page before its own scripts: notes what the pill says, and policy violations. */
function observe() {
  globalThis.saidByPill = [];
  addEventListener("securitypolicyviolation", (event) => {
    console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
  const look = () => {
    const text = document.querySelector('[role="status"][aria-label="Sync status"]')?.textContent?.trim();
    if (text && globalThis.saidByPill.at(-1) !== text) globalThis.saidByPill.push(text);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
}

export class Device extends Tab {
  #complaints;

  #profile;
  #looks;

  constructor(name, server, profile, looks) {
    super(null);
    this.name = name;
    this.server = server;
    this.#profile = profile;
    this.#looks = looks;
    this.#complaints = new Complaints();
  }

  /** Starts a browser; `width`, `height`, `dark` and `locale` are its looks. */
  static async start(name, server, profiles, { width = 1280, height = 800, dark = false, touch = false } = {}) {
    await mkdir(profiles, { recursive: true });
    const profile = await mkdtemp(path.join(profiles, `${name.replaceAll(/\W/g, "_")}-`));
    const looks = { viewport: { width, height }, hasTouch: touch, colorScheme: dark ? "dark" : "light" };
    const device = new Device(name, server, profile, looks);
    await device.startsAgain();
    return device;
  }

  /** Starts the browser over its profile. */
  async startsAgain() {
    this.context = await chromium.launchPersistentContext(this.#profile, {
      executablePath: process.env.OFFING_CHROMIUM ?? "/usr/bin/chromium",
      headless: true,
      args: ARGUMENTS,
      locale: "en-GB",
      acceptDownloads: true,
      ...this.#looks,
    });
    this.#complaints.watch(this.context);
    await this.context.addInitScript(observe);
    this.context.setDefaultTimeout(PATIENCE_MS);
    this.page = this.context.pages()[0] ?? (await this.context.newPage());
  }

  /** What the page finds on the clipboard; it takes the focus to look. */
  async pastes() {
    await this.context.grantPermissions(["clipboard-read"]);
    return this.page.evaluate(() => {
      document.activeElement.blur();
      return navigator.clipboard.readText();
    });
  }

  /** SIGKILL for the browser and all processes it started, as a power cut would. */
  async isKilled() {
    const session = await this.context.browser().newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const browser = processInfo.find((one) => one.type === "browser").id;
    const gone = new Promise((resolve) => this.context.once("close", resolve));
    // It was started as the leader of a group of its own.
    process.kill(-browser, "SIGKILL");
    await gone;
  }

  /** Goes on in a tab of its own: hundreds of openings in one, faster than a browser clears up, end its memory. */
  async movesToNewTab() {
    const { page } = this;
    this.page = await this.context.newPage();
    await page.close();
  }

  async newTab() {
    return new Tab(await this.context.newPage(), this);
  }

  /** Waits until the service worker holds all that the app needs with no network. */
  async isReadyForOffline(tab = this) {
    await tab.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const worker = registration.active;
      if (worker.state === "activated") return;
      await new Promise((resolve) => worker.addEventListener("statechange", () => worker.state === "activated" && resolve()));
    });
  }

  /** Waits until it also holds all that previews need. */
  async isReadyForPreviewsOffline(tab = this) {
    await this.isReadyForOffline(tab);
    await tab.until(async () => {
      const { release } = await (await fetch("/release.json")).json();
      const idle = Object.keys(JSON.parse(release).idle);
      const held = await Promise.all(idle.map((url) => caches.match(url)));
      return held.length > 0 && held.every(Boolean);
    });
  }

  /** Loses the network, with the server alive. */
  async entersAirplaneMode() {
    this.#complaints.cutOff();
    await this.context.setOffline(true);
  }

  async leavesAirplaneMode() {
    await this.context.setOffline(false);
  }

  /** The test kills the server, so what this device cannot reach is nothing to complain about. */
  serverMayBeGone() {
    this.#complaints.cutOff();
  }

  expectsComplaint(pattern) {
    this.#complaints.expect(pattern);
  }

  complaints() {
    return this.#complaints.list().map((line) => `${this.name}: ${line}`);
  }

  printLog() {
    for (const line of this.#complaints.log) console.log(`${this.name} ${line}`);
  }

  /** Closes every tab of the app; the browser goes on, and with it the service worker. */
  async closesAllTabs() {
    const blank = await this.context.newPage();
    for (const page of this.context.pages()) if (page !== blank) await page.close({ runBeforeUnload: false });
    this.blank = blank;
  }

  /** Opens the app again after `closesAllTabs`. */
  async comesBack(address = "/") {
    this.page = this.blank ?? (await this.context.newPage());
    this.blank = null;
    await this.opens(address);
  }

  /** A DevTools session of a page, for what no page may do by itself. */
  async devTools(page = this.blank ?? this.page) {
    return this.context.newCDPSession(page);
  }

  /** Has the browser end the service worker, as it does with one that was idle. */
  async losesServiceWorker() {
    const session = await this.devTools();
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.stopAllWorkers");
    await session.detach();
  }

  /** Lets the service worker's background sync happen now, as Chromium does when the network returns. */
  async networkReturnsInBackground() {
    const session = await this.devTools();
    const registered = new Promise((resolve) => {
      session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const own = registrations.find((one) => one.scopeURL.startsWith(this.origin) && !one.isDeleted);
        if (own) resolve(own.registrationId);
      });
    });
    await session.send("ServiceWorker.enable");
    const registrationId = await registered;
    await session.send("ServiceWorker.dispatchSyncEvent", { origin: this.origin, registrationId, tag: "outbox", lastChance: false });
    await session.detach();
  }

  /** Allows the origin only so many bytes of storage; `null` lifts it. */
  async allowsStorage(bytes) {
    const session = await this.devTools();
    await session.send("Storage.overrideQuotaForOrigin", { origin: this.origin, ...(bytes === null ? {} : { quotaSize: bytes }) });
    // The override ends with its session, so the session is kept until it is lifted.
    if (bytes !== null) this.quotaSession = session;
    else {
      await this.quotaSession?.detach();
      await session.detach();
    }
  }

  /** Keeps a picture for people to look at. */
  async photographs(title, tab = this) {
    if (tab.page.isClosed()) return;
    const file = path.join(OUTPUT, `${title} - ${this.name}`.replaceAll(/[^\w -]/g, "").replaceAll(" ", "-") + ".png");
    await mkdir(OUTPUT, { recursive: true });
    await tab.page.screenshot({ path: file, timeout: 5_000 }).catch(() => {});
  }

  async end() {
    await this.context.close();
  }
}
