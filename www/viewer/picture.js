// A picture that can be looked at closely: it fits its place at first; the wheel with Ctrl,
// two fingers, `+`, `-`, `0`, `1` and a double click change its size, a drag or the arrows
// move what is seen of it.

import { PICTURE_DRAWN_MAX } from "./limits.js";

/** One step of a key, and the bounds, as parts of the picture's own size. */
const STEP = 1.25;
const SCALE_MIN = 0.02;
const SCALE_MAX = 16;
/** Pixels that an arrow moves. */
const MOVE = 60;

export class Picture {
  #body;
  #image;
  #stage;
  #label;
  /** `null` as long as it fits its place. */
  #scale = null;
  #fingers = new Map();
  #watch = new ResizeObserver(() => this.#lay());

  constructor(body, image, texts) {
    this.#body = body;
    this.#image = image;
    this.#stage = document.createElement("div");
    this.#stage.className = "viewer-picture";
    this.#stage.tabIndex = 0;
    this.#stage.setAttribute("role", "group");
    this.#stage.setAttribute("aria-label", image.alt);
    this.#stage.append(image);
    this.#body.append(this.#stage, this.#bar(texts));
  }

  /** Begins when the picture's size is known. */
  begin() {
    const stage = this.#stage;
    stage.addEventListener("keydown", (event) => this.#key(event));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("dblclick", (event) => this.#zoomTo(this.#scale === null ? Math.max(1, this.#fit * 2) : null, event));
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.#fingers.delete(event.pointerId));
    this.#watch.observe(stage);
    this.#lay();
  }

  focus() {
    this.#stage.focus();
  }

  end() {
    this.#watch.disconnect();
  }

  /** The scale at which all of it is seen; a small picture is not blown up. */
  get #fit() {
    const { naturalWidth, naturalHeight } = this.#natural;
    return Math.min(1, this.#stage.clientWidth / naturalWidth, this.#stage.clientHeight / naturalHeight);
  }

  /** A drawing without a size of its own has the size of its place. */
  get #natural() {
    const { naturalWidth, naturalHeight } = this.#image;
    if (naturalWidth && naturalHeight) return { naturalWidth, naturalHeight };
    return { naturalWidth: this.#stage.clientWidth || 1, naturalHeight: this.#stage.clientHeight || 1 };
  }

  #lay() {
    const { naturalWidth, naturalHeight } = this.#natural;
    const scale = this.#scale ?? this.#fit;
    this.#image.width = Math.max(1, Math.round(naturalWidth * scale));
    this.#image.height = Math.max(1, Math.round(naturalHeight * scale));
    this.#stage.classList.toggle("is-larger", scale > this.#fit + 0.001);
    this.#label.textContent = `${Math.round(scale * 100)} %`;
  }

  /** Changes the scale and leaves what is at a point of the screen where it is. */
  #zoomTo(scale, point) {
    const before = this.#image.getBoundingClientRect();
    const stage = this.#stage.getBoundingClientRect();
    const x = point?.clientX ?? stage.left + stage.width / 2;
    const y = point?.clientY ?? stage.top + stage.height / 2;
    const [across, down] = [(x - before.left) / before.width, (y - before.top) / before.height];
    const { naturalWidth, naturalHeight } = this.#natural;
    const most = Math.min(SCALE_MAX, Math.max(this.#fit, PICTURE_DRAWN_MAX / Math.max(naturalWidth, naturalHeight)));
    this.#scale = scale === null ? null : Math.min(most, Math.max(Math.min(SCALE_MIN, this.#fit), scale));
    this.#lay();
    const after = this.#image.getBoundingClientRect();
    this.#stage.scrollBy(after.left + across * after.width - x, after.top + down * after.height - y);
  }

  #zoomBy(factor, point) {
    this.#zoomTo((this.#scale ?? this.#fit) * factor, point);
  }

  #key(event) {
    if (event.altKey) return;
    const acts = {
      "+": () => this.#zoomBy(STEP),
      "=": () => this.#zoomBy(STEP),
      "-": () => this.#zoomBy(1 / STEP),
      0: () => this.#zoomTo(null),
      1: () => this.#zoomTo(1),
    };
    const moves = { ArrowLeft: [-MOVE, 0], ArrowRight: [MOVE, 0], ArrowUp: [0, -MOVE], ArrowDown: [0, MOVE] };
    if (Object.hasOwn(acts, event.key)) acts[event.key]();
    else if (Object.hasOwn(moves, event.key) && this.#stage.classList.contains("is-larger")) this.#stage.scrollBy(...moves[event.key]);
    else return;
    // What is moved here is not a step to the next file, nor the page's own zoom.
    event.preventDefault();
    event.stopPropagation();
  }

  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.#zoomBy(Math.exp(-event.deltaY / 300), event);
  }

  #down(event) {
    if (event.button !== 0) return;
    this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (event.pointerType === "mouse") this.#stage.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const finger = this.#fingers.get(event.pointerId);
    if (!finger) return;
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const before = Math.hypot(finger.x - other.x, finger.y - other.y);
      const now = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      const middle = { clientX: (event.clientX + other.x) / 2, clientY: (event.clientY + other.y) / 2 };
      if (before > 0) this.#zoomBy(now / before, middle);
    } else if (event.pointerType === "mouse") {
      this.#stage.scrollBy(finger.x - event.clientX, finger.y - event.clientY);
    }
    Object.assign(finger, { x: event.clientX, y: event.clientY });
  }

  #bar(texts) {
    const bar = document.createElement("div");
    bar.className = "viewer-zoom";
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", texts.zoom);
    this.#label = document.createElement("span");
    this.#label.setAttribute("aria-live", "polite");
    const button = (sign, name, act) => {
      const element = document.createElement("button");
      element.type = "button";
      element.className = "button quiet";
      element.textContent = sign;
      element.setAttribute("aria-label", name);
      element.addEventListener("click", act);
      return element;
    };
    bar.append(
      button("−", texts.smaller, () => this.#zoomBy(1 / STEP)),
      this.#label,
      button("+", texts.larger, () => this.#zoomBy(STEP)),
      button(texts.fit, texts.fit, () => this.#zoomTo(null)),
    );
    return bar;
  }
}
