// The daemon at a glance: a dot, and a popover with everything about it; by server-sent events.
import { post } from "./api.js";
import { bdi, el, find, toast } from "./dom.js";
import { num, span, words } from "./words.js";

export class Daemon {
  /** ``callbacks``: ready() after the daemon was away, panel(name), changed(status). */
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.status = null;
    this.local = true;
    this.away = false;
    const events = new EventSource("/api/events");
    events.addEventListener("about", (event) => {
      this.local = JSON.parse(event.data).local;
      document.documentElement.classList.toggle("remote", !this.local);
    });
    events.addEventListener("message", (event) => this.#received(JSON.parse(event.data)));
    events.addEventListener("open", () => { if (this.gone) { this.gone = false; banner(""); } });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) banner(words.session);
      else { this.gone = true; banner(words.server_gone); }
      this.#dot("down");
    });
  }

  #received(status) {
    this.gone = false;
    if (status.state === "down" || status.state === "connecting") {
      this.away = status.state === "down";
      banner(this.away ? words.down : "");
      this.#dot(status.state);
      this.#draw(null);
      return;
    }
    const first = this.status === null, back = this.away;
    this.status = status;
    this.away = false;
    banner("");
    this.#dot(status.state);
    this.#draw(status);
    if (back && !first) this.callbacks.ready();
    this.callbacks.changed(status);
  }

  #dot(state) {
    const { index } = this.status ?? {};
    const busy = state === "ready" && index && index.pending > 0;
    const dot = find("#dot");
    dot.dataset.state = busy ? (index.paused ? "paused" : "busy") : state;
    const share = busy && index.photos ? Math.floor(100 * index.indexed / index.photos) : null;
    find("#dot-text").textContent = share === null ? "" : `${num(share)}%`;
    dot.setAttribute("aria-label", [words.daemon, busy && index.paused ? words.paused : words.state[state] ?? state, share === null ? "" : `${num(share)}%`].filter(Boolean).join(", "));
  }

  #draw(status) {
    const place = find("#daemon");
    if (!status) {
      place.replaceChildren(el("p", {}, words.down));
      return;
    }
    const { index, encoder, folders, warnings } = status;
    const facts = [index.pending > 0 && index.rate_per_s > 0 && words.rate(index.rate_per_s), index.pending > 0 && index.eta_s != null && words.eta(span(index.eta_s))];
    const offline = folders.filter((folder) => folder.state !== "ok" && folder.state !== "scan_only");
    place.replaceChildren(...kept(
      el("h2", {}, words.state[status.state] ?? status.state),
      el("p", {}, words.of_indexed(index.indexed, index.photos)),
      index.photos > 0 && el("progress", { value: index.indexed, max: index.photos, "aria-label": words.daemon }),
      facts.some(Boolean) && el("p", { class: "quiet" }, facts.filter(Boolean).join(" · ")),
      index.paused && el("p", { class: "loud" }, words.paused),
      el("p", {}, el("button", { type: "button", class: "plain small", onclick: () => this.#ask(index.paused ? "resume" : "pause") }, index.paused ? words.resume : words.pause)),
      el("p", { class: "quiet" }, `${words.model}: `, bdi(encoder.model)),
      offline.map((folder) => el("p", { class: "loud" }, bdi(folder.path), ` · ${folder.reason ?? words.offline_folder}`)),
      index.failed > 0 && el("p", { class: "loud" }, words.failed(index.failed), " ",
        el("button", { type: "button", class: "plain small", onclick: () => { place.hidePopover(); this.callbacks.panel("failures"); } }, words.show)),
      warnings.filter((text) => !offline.some((folder) => text.startsWith(folder.path))).map((text) => el("p", { class: "quiet" }, bdi(text))),
    ));
  }

  async #ask(name) {
    try { await post(name); } catch (problem) { toast(problem.message); }
  }
}

const kept = (...nodes) => nodes.flat().filter(Boolean);

export function banner(text) {
  const place = find("#banner");
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}
