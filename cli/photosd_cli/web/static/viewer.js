// One photo large: next one preloaded, swipe, zoom, details.
import { original, picture, post } from "./api.js";
import { bdi, el, find, toast } from "./dom.js";
import { fileName, num, place, rtl, size, when, why, words } from "./words.js";

const LARGE = 1280, FULL = 2560;
const SWIPE = 50; // pixels

export class Viewer {
  /** ``callbacks``: list() → hits, closed(index), moved(hit), act(name, hit). */
  constructor(dialog, callbacks) {
    Object.assign(this, { dialog, callbacks });
    this.index = -1;
    this.image = find(".large", dialog);
    this.drawer = find(".drawer", dialog);
    this.stage = find(".stage", dialog);
    dialog.addEventListener("close", () => { this.image.removeAttribute("src"); this.callbacks.closed(this.index); });
    find(".back", dialog).addEventListener("click", () => this.step(-1));
    find(".on", dialog).addEventListener("click", () => this.step(1));
    find(".close", dialog).addEventListener("click", () => dialog.close());
    find(".info", dialog).addEventListener("click", () => this.details());
    for (const button of dialog.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this.callbacks.act(button.dataset.do, this.hit));
    }
    this.stage.addEventListener("click", (event) => {
      if (event.target === this.image) this.zoom(event);
      else if (!this.zoomed) dialog.close();
    });
    this.#swipes();
    addEventListener("resize", () => { if (dialog.open) this.#fit(); });
  }

  get open() { return this.dialog.open; }
  get hit() { return this.callbacks.list()[this.index]; }
  get zoomed() { return this.dialog.classList.contains("zoomed"); }

  show(index) {
    const hits = this.callbacks.list(), hit = hits[index];
    if (!hit) return;
    this.index = index;
    this.dialog.classList.remove("zoomed");
    const name = fileName(hit.path);
    this.image.alt = [name, when(hit)].filter(Boolean).join(", ");
    this.image.classList.remove("broken");
    // The thumbnail of the grid is there at once; the larger picture replaces it.
    this.image.src = picture(hit.content_id, 320);
    this.#load(hit, LARGE);
    this.#fit();
    find(".title bdi", this.dialog).textContent = name;
    find(".when", this.dialog).textContent = [when(hit), place(hit.place)].filter(Boolean).join(" · ");
    find("[data-do=download]", this.dialog).href = original(hit.content_id);
    find(".back", this.dialog).hidden = index === 0;
    find(".on", this.dialog).hidden = index >= hits.length - 1;
    if (!this.dialog.open) {
      this.dialog.showModal();
      find(".close", this.dialog).focus({ focusVisible: false });
    }
    if (!this.drawer.hidden) this.#describe(hit);
    for (const near of [index + 1, index - 1]) {
      if (hits[near]) new Image().src = picture(hits[near].content_id, LARGE);
    }
    this.callbacks.moved(hit, index);
  }

  step(by) {
    if (this.callbacks.list()[this.index + by]) this.show(this.index + by);
  }

  #load(hit, pixels) {
    const larger = new Image();
    larger.src = picture(hit.content_id, pixels);
    larger.decode().then(
      () => { if (this.hit === hit && this.open) this.image.src = larger.src; },
      () => { if (this.hit === hit && this.open && !this.image.naturalWidth) this.image.classList.add("broken"); },
    );
  }

  /** As large as there is room; zoomed, one pixel of the full picture for each of the screen. */
  #fit() {
    const hit = this.hit;
    if (!hit) return;
    const style = getComputedStyle(this.stage);
    const wide = this.stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const high = this.stage.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const width = hit.width ?? 1500, height = hit.height ?? 1000;
    let scale = Math.min(wide / width, high / height, 4);
    if (this.zoomed) scale = Math.max(2 * scale, FULL / Math.max(width, height, FULL) / devicePixelRatio);
    this.image.style.width = `${width * scale}px`;
    this.image.style.height = `${height * scale}px`;
  }

  zoom(event) {
    const box = this.image.getBoundingClientRect();
    const x = event ? (event.clientX - box.left) / box.width : 0.5, y = event ? (event.clientY - box.top) / box.height : 0.5;
    this.dialog.classList.toggle("zoomed");
    if (this.zoomed) this.#load(this.hit, FULL);
    this.#fit();
    const { scrollWidth, scrollHeight, clientWidth, clientHeight } = this.stage;
    this.stage.scrollTo((rtl ? x - 1 : x) * (scrollWidth - clientWidth), y * (scrollHeight - clientHeight));
  }

  /** Show or hide everything that is known about the photo. */
  details() {
    this.drawer.hidden = !this.drawer.hidden;
    find(".info", this.dialog).setAttribute("aria-expanded", String(!this.drawer.hidden));
    this.dialog.classList.toggle("with-drawer", !this.drawer.hidden);
    if (!this.drawer.hidden) this.#describe(this.hit);
    this.#fit();
  }

  async #describe(hit) {
    this.drawer.replaceChildren(list(rowsOf(hit)));
    try {
      const known = await post("photo", { content: hit.content_id });
      if (this.hit === hit) this.drawer.replaceChildren(list([...rowsOf(hit), ...factsOf(hit, known)]));
    } catch (problem) { toast(problem.message); }
  }

  #swipes() {
    let start = null;
    this.stage.addEventListener("touchstart", (event) => {
      start = event.touches.length === 1 && !this.zoomed ? event.touches[0].clientX : null;
    }, { passive: true });
    this.stage.addEventListener("touchend", (event) => {
      const by = start === null ? 0 : event.changedTouches[0].clientX - start;
      if (Math.abs(by) > SWIPE) this.step((by < 0) !== rtl ? 1 : -1);
      start = null;
    }, { passive: true });
  }

  /** Whether the key was used. */
  key(event) {
    const { key } = event;
    if (key === "ArrowRight") this.step(rtl ? -1 : 1);
    else if (key === "ArrowLeft") this.step(rtl ? 1 : -1);
    else if (key === "Home") this.show(0);
    else if (key === "End") this.show(this.callbacks.list().length - 1);
    else if (key === "i") this.details();
    else if (key === "z") this.zoom();
    else if (key === "s") this.callbacks.act("similar", this.hit);
    else if (key === "c") this.callbacks.act("copy", this.hit);
    else if (key === "x") this.callbacks.act("select", this.hit);
    else return false;
    return true;
  }
}

const folderOf = (path) => path.slice(0, path.lastIndexOf("/")) || "/";

function rowsOf(hit) {
  const strength = words.strength[hit.strength] ?? "";
  return [
    [words.name, fileName(hit.path)], [words.date, when(hit)], [words.place, place(hit.place)],
    [words.why, [why(hit), strength].filter(Boolean).join(" · ")], [words.folder, folderOf(hit.path)],
    [words.offline, hit.offline ? "✓" : ""],
  ];
}

function factsOf(hit, known) {
  const facts = known.facts ?? {};
  const others = [known, ...(known.copies ?? [])].map((one) => one.path).filter((path) => path !== hit.path);
  return [
    [words.title, facts.title], [words.caption, facts.caption],
    [words.people, (facts.people ?? []).join(", ")], [words.tags, (facts.tags ?? []).join(", ")],
    [words.camera, facts.camera], [words.lens, facts.lens],
    [words.rating, facts.rating > 0 ? "★".repeat(facts.rating) : ""],
    [words.pixels, facts.width ? `${num(facts.width)} × ${num(facts.height)}` : ""], [words.bytes, known.size ? size(known.size) : ""],
    [words.coordinates, facts.latitude != null ? `${facts.latitude.toFixed(5)}, ${facts.longitude.toFixed(5)}` : ""],
    ...others.map((path) => [words.copies, path]),
  ];
}

const list = (rows) => el("dl", {}, rows.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, bdi(String(value))))));
