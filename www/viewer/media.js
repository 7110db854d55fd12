// Pictures, sound and video: drawn and played by the browser, in the page.
//
// The browser's own decoders have a process of their own; what is in such a file reaches no
// script. What says that it is enormous is not given to them.

import { addressOf } from "./address.js";
import { Refused } from "./line.js";
import { Picture } from "./picture.js";
import { measured } from "./pixels.js";
import * as places from "./places.js";
import { isDue, Queue } from "./queue.js";

/** Seconds between two notes of how far a person got. */
const NOTE_S = 5;

export class Media {
  #address = null;
  #picture = null;
  #player = null;
  #queue = null;

  /**
   * @param {Element} body what it fills
   * @param {{ texts: object, key(key: string): void, told(text: string): Element }} viewer a media key does what
   *   an arrow does
   */
  constructor(body, viewer) {
    Object.assign(this, { body, viewer });
  }

  /** Shows a source; refuses what the browser cannot decode. */
  async show(source, { view, type }) {
    if (view === "picture") await measured(source, type);
    this.#address = await addressOf(source, type);
    if (view === "picture") return this.#draw(source);
    return this.#play(source, view);
  }

  focus() {
    (this.#player ?? this.#picture)?.focus();
  }

  end() {
    this.#picture?.end();
    if (this.#player) {
      this.#note();
      this.#player.pause();
      // Without this the browser goes on reading.
      this.#player.removeAttribute("src");
      this.#player.load();
      this.#unsetKeys();
    }
    this.#address?.end();
  }

  async #draw(source) {
    const image = new Image();
    image.alt = source.name;
    image.decoding = "async";
    const loaded = settled(image, "load");
    image.src = this.#address.url;
    this.#picture = new Picture(this.body, image, this.viewer.texts);
    await loaded;
    this.#picture.begin();
  }

  async #play(source, view) {
    const player = document.createElement(view);
    Object.assign(player, { controls: true, preload: "metadata", className: `viewer-${view}`, playsInline: true });
    player.setAttribute("aria-label", source.name);
    this.#player = player;
    const loaded = settled(player, "loadedmetadata");
    player.src = this.#address.url;
    this.body.append(player);
    await loaded;
    // Not every browser decodes the picture of each film whose sound it plays, and none says so.
    if (view === "video" && !player.videoWidth) player.before(this.viewer.told(this.viewer.texts.soundOnly));
    const at = places.of(location.pathname);
    if (at > 0 && at < player.duration - NOTE_S) player.currentTime = at;
    let noted = player.currentTime;
    player.addEventListener("timeupdate", () => {
      if (Math.abs(player.currentTime - noted) < NOTE_S) return;
      noted = player.currentTime;
      this.#note();
    });
    player.addEventListener("ended", () => places.forget(location.pathname));
    this.#setKeys(source.name);
    // What is inside of an archive has no neighbours in the folder.
    if (!source.depth) this.#playOn(player, view);
  }

  #playOn(player, view) {
    const queue = new Queue(view, this.viewer.texts);
    this.#queue = queue;
    this.body.append(queue.element);
    const listed = queue.list();
    player.addEventListener("ended", async () => {
      // A short one may be over before it is known what follows.
      await listed;
      if (player.isConnected) queue.ended();
    });
    // Where a browser wants a click first, the person starts it.
    if (isDue()) player.play().catch(console.info);
  }

  #note() {
    const { currentTime, ended } = this.#player;
    if (ended || !currentTime) places.forget(location.pathname);
    else places.keep(location.pathname, currentTime);
  }

  /** The keyboard's media keys, and what the system shows of what plays. */
  #setKeys(title) {
    const session = navigator.mediaSession;
    if (!session) return;
    session.metadata = new MediaMetadata({ title });
    session.setActionHandler("previoustrack", () => this.viewer.key("ArrowLeft"));
    session.setActionHandler("nexttrack", () => this.#queue?.next() || this.viewer.key("ArrowRight"));
  }

  #unsetKeys() {
    const session = navigator.mediaSession;
    if (!session) return;
    session.metadata = null;
    for (const action of ["previoustrack", "nexttrack"]) session.setActionHandler(action, null);
  }
}

/** Waits until an element has what it needs to be shown, or cannot have it. */
function settled(element, event) {
  return new Promise((resolve, reject) => {
    element.addEventListener(event, resolve, { once: true });
    element.addEventListener("error", () => reject(new Refused("unplayable")), { once: true });
  });
}
