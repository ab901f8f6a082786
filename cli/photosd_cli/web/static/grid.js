// A justified grid of any number of photos; only rows near the window are in the document.
import { picture } from "./api.js";
import { el } from "./dom.js";
import { fileName, rtl, when, why, words } from "./words.js";

const NARROWEST = 0.5, WIDEST = 3.2; // photos of other shapes are cropped in the grid
const HEADING = 46, NEAR = 1.2; // pixels; windows above and below that are drawn
const SMALL = 420; // device pixels up to which the small thumbnail is enough

const shape = (hit) => Math.min(WIDEST, Math.max(NARROWEST, hit.width / hit.height || 1.5));

export class Grid {
  /** ``callbacks``: open(index), more(), select(), heading(group) → nodes of a heading. */
  constructor(container, callbacks) {
    Object.assign(this, { container, callbacks });
    this.hits = [];
    this.selected = new Map(); // content id → hit
    this.wanted = 220;
    this.current = -1;
    this.groupOf = () => null;
    this.tiles = new Map(); // index → element
    this.headings = new Map(); // row → element
    this.rows = [];
    this.height = 0;
    this.width = 0;
    let drawing = 0;
    const later = () => { drawing ||= requestAnimationFrame(() => { drawing = 0; this.draw(); }); };
    addEventListener("scroll", later, { passive: true });
    new ResizeObserver(() => {
      if (Math.abs(container.clientWidth - this.width) >= 1) this.layOut();
    }).observe(container);
    container.addEventListener("click", (event) => this.#clicked(event));
    container.addEventListener("focusin", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) this.#mark(Number(tile.dataset.index));
    });
    container.addEventListener("dragstart", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) event.dataTransfer.setData("text/x-photosd", this.hits[tile.dataset.index].content_id);
    });
  }

  /** Show these photos instead of the others. */
  set(hits, groupOf = () => null) {
    this.hits = hits;
    this.groupOf = groupOf;
    this.current = Math.min(this.current, hits.length - 1);
    this.layOut();
  }

  /** Further photos, below the others. */
  append(hits) {
    this.hits = this.hits.concat(hits);
    const last = this.rows.at(-1);
    if (last && !last.full && last.heading === undefined) { // an open row is filled
      this.rows.pop();
      const above = this.rows.at(-1);
      const first = above?.heading !== undefined && above.start === last.start ? this.rows.pop() : last;
      this.#clear((index) => index >= last.start);
      this.#rowsFrom(last.start, first.top);
    } else {
      this.#rowsFrom(last ? last.end : 0, this.height);
    }
    this.draw();
  }

  /** Rows of about this height, in pixels. */
  resize(wanted) {
    this.wanted = wanted;
    this.layOut();
  }

  layOut() {
    this.width = this.container.clientWidth;
    this.#clear(() => true);
    this.rows = [];
    if (this.width > 0) this.#rowsFrom(0, 0);
    this.draw();
  }

  #clear(which) {
    for (const [index, tile] of this.tiles) {
      if (!which(index)) continue;
      this.#drop(index, tile);
    }
    for (const [row, heading] of this.headings) {
      if (row >= this.rows.length || which(this.rows[row].start)) {
        heading.remove();
        this.headings.delete(row);
      }
    }
  }

  #drop(index, tile) {
    tile.querySelector("img").removeAttribute("src"); // a load that is under way ends
    tile.remove();
    this.tiles.delete(index);
  }

  #rowsFrom(start, top) {
    const gap = this.width < 600 ? 4 : 8, wanted = Math.min(this.wanted, this.width / 1.6);
    let first = start, sum = 0;
    let group = start > 0 ? this.groupOf(this.hits[start - 1]) : undefined;
    const close = (end, height, full) => {
      let x = 0;
      const boxes = [];
      for (let index = first; index < end; index++) {
        const wide = shape(this.hits[index]) * height;
        boxes.push({ x, width: wide });
        x += wide + gap;
      }
      this.rows.push({ top, height, start: first, end, boxes, full });
      top += height + gap;
      first = end;
      sum = 0;
    };
    for (let index = start; index < this.hits.length; index++) {
      const here = this.groupOf(this.hits[index]);
      if (here !== group) {
        if (first < index) close(index, Math.min(wanted, (this.width - gap * (index - first - 1)) / sum), true);
        if (here !== null) {
          this.rows.push({ top, height: HEADING, start: index, end: index, heading: here });
          top += HEADING;
        }
        group = here;
      }
      const ratio = shape(this.hits[index]), count = index - first;
      const before = count ? (this.width - gap * (count - 1)) / sum : Infinity;
      const after = (this.width - gap * count) / (sum + ratio);
      if (count && after < wanted && before - wanted < wanted - after) close(index, before, true);
      sum += ratio;
      const height = (this.width - gap * (index - first)) / sum;
      if (height <= wanted) close(index + 1, height, true);
    }
    if (first < this.hits.length) {
      close(this.hits.length, Math.min(wanted, (this.width - gap * (this.hits.length - first - 1)) / sum), false);
    }
    this.height = top;
    this.container.style.height = `${Math.ceil(top)}px`;
  }

  /** Draw what is near the window, and drop the rest. */
  draw() {
    const origin = this.container.offsetTop, view = innerHeight;
    const from = scrollY - origin - NEAR * view, to = scrollY - origin + (1 + NEAR) * view;
    const near = new Set();
    for (let row = this.#rowAt(from); row < this.rows.length && this.rows[row].top < to; row++) {
      const found = this.rows[row];
      if (found.heading !== undefined) this.#heading(row, found);
      for (let index = found.start; index < found.end; index++) {
        near.add(index);
        if (!this.tiles.has(index)) this.#tile(index, found);
      }
    }
    for (const [index, tile] of this.tiles) {
      if (!near.has(index) && !tile.contains(document.activeElement)) this.#drop(index, tile);
    }
    for (const [row, heading] of this.headings) {
      const top = this.rows[row].top;
      if (top < from || top > to) {
        heading.remove();
        this.headings.delete(row);
      }
    }
    if (this.height < to + view) this.callbacks.more();
  }

  #rowAt(y) {
    let low = 0, high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].top + this.rows[middle].height < y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #heading(row, found) {
    if (this.headings.has(row)) return;
    const made = el("div", { class: "group" }, this.callbacks.heading(found.heading));
    made.style.top = `${found.top}px`;
    this.headings.set(row, made);
    this.container.append(made);
  }

  #tile(index, row) {
    const hit = this.hits[index], box = row.boxes[index - row.start];
    const pixels = Math.max(box.width, row.height) * devicePixelRatio > SMALL ? 640 : 320;
    const name = fileName(hit.path), date = when(hit);
    const chosen = this.selected.has(hit.content_id);
    const spoken = [name, date, hit.strength && why(hit), chosen && words.selected_mark].filter(Boolean).join(", ");
    const tile = el("div", { class: "tile" },
      el("button", { type: "button", class: "open", "aria-label": spoken, tabindex: "-1", draggable: "true" },
        el("img", { src: picture(hit.content_id, pixels), alt: "", decoding: "async", draggable: "false", onload: (event) => event.target.classList.add("there"), onerror: (event) => event.target.classList.add("broken") }),
        el("span", { class: "caption", "aria-hidden": "true" }, el("bdi", { dir: "auto" }, name), el("span", {}, [when(hit, hit.taken_precision ?? "day"), why(hit)].filter(Boolean).join(" · "))),
        hit.offline && el("span", { class: "away" }, words.offline),
        hit.copies > 1 && el("span", { class: "copies", title: words.copies }, `×${hit.copies}`)),
      el("span", { class: "check", "aria-hidden": "true" }));
    tile.dataset.index = index;
    tile.dataset.content = hit.content_id;
    tile.classList.toggle("selected", chosen);
    Object.assign(tile.style, { top: `${row.top}px`, [rtl ? "right" : "left"]: `${box.x}px`, width: `${box.width}px`, height: `${row.height}px` });
    this.tiles.set(index, tile);
    this.container.append(tile);
    if (index === Math.max(0, this.current)) tile.firstChild.tabIndex = 0;
    return tile;
  }

  #mark(index) {
    this.tiles.get(Math.max(0, this.current))?.firstChild.setAttribute("tabindex", "-1");
    this.current = index;
    this.tiles.get(index)?.firstChild.setAttribute("tabindex", "0");
  }

  /** Whether a photo has the focus. */
  get focused() { return this.container.contains(document.activeElement); }

  /** Move the focus to a photo, and scroll to it. */
  focus(index) {
    if (index < 0 || index >= this.hits.length) return;
    const row = this.rows.find((one) => one.start <= index && index < one.end);
    const top = this.container.offsetTop + row.top, bars = 130;
    if (top < scrollY + bars) scrollTo(0, top - bars);
    else if (top + row.height > scrollY + innerHeight - 70) scrollTo(0, top + row.height - innerHeight + 70);
    this.draw();
    this.#mark(index);
    this.tiles.get(index).firstChild.focus({ preventScroll: true });
  }

  /** Move the focus as an arrow key, Home or End says. */
  move(key) {
    if (!this.focused || this.current < 0) return this.focus(key === "End" ? this.hits.length - 1 : Math.max(0, this.current));
    const forward = key === (rtl ? "ArrowLeft" : "ArrowRight"), back = key === (rtl ? "ArrowRight" : "ArrowLeft");
    if (forward) return this.focus(this.current + 1);
    if (back) return this.focus(this.current - 1);
    if (key === "Home") return this.focus(0);
    if (key === "End") return this.focus(this.hits.length - 1);
    const rows = this.rows.filter((one) => one.end > one.start);
    const at = rows.findIndex((one) => one.start <= this.current && this.current < one.end);
    const here = rows[at].boxes[this.current - rows[at].start], next = rows[at + (key === "ArrowUp" ? -1 : 1)];
    if (!next) return undefined;
    const middle = (box) => box.x + box.width / 2;
    const away = next.boxes.map((box) => Math.abs(middle(box) - middle(here)));
    return this.focus(next.start + away.indexOf(Math.min(...away)));
  }

  /** Select or unselect a photo. */
  toggle(index, on = !this.selected.has(this.hits[index]?.content_id)) {
    const hit = this.hits[index];
    if (!hit) return;
    if (on) this.selected.set(hit.content_id, hit);
    else this.selected.delete(hit.content_id);
    const tile = this.tiles.get(index);
    tile?.classList.toggle("selected", on);
    tile?.firstChild.setAttribute("aria-pressed", String(on));
    this.callbacks.select();
  }

  clearSelection() {
    this.selected.clear();
    for (const tile of this.tiles.values()) {
      tile.classList.remove("selected");
      tile.firstChild.removeAttribute("aria-pressed");
    }
    this.callbacks.select();
  }

  #clicked(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const index = Number(tile.dataset.index);
    const picks = event.ctrlKey || event.metaKey || event.target.closest(".check");
    if (event.shiftKey && this.lastPicked !== undefined) {
      const [from, to] = [this.lastPicked, index].sort((a, b) => a - b);
      for (let each = from; each <= to; each++) this.toggle(each, true);
    } else if (picks) {
      this.toggle(index);
    } else {
      this.callbacks.open(index);
      return;
    }
    this.lastPicked = index;
  }
}
