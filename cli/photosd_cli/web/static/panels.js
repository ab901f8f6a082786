// Dialogs: alerts, duplicates, folders, failures, keys.
import { lines, picture, post } from "./api.js";
import { bdi, el, find, toast } from "./dom.js";
import { fileName, size, words } from "./words.js";

const MOST_GROUPS = 200;
const dialog = find("#panel"), content = find(".content", dialog);
let stop = new AbortController(); // of what the open panel loads

find(".close", dialog).addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => stop.abort());

/** Open a panel by its name. */
export function openPanel(name, ...more) {
  stop.abort();
  stop = new AbortController();
  find("#panel-title").textContent = words[name] ?? "";
  content.replaceChildren();
  if (!dialog.open) dialog.showModal();
  PANELS[name](...more);
}

export const panelIsOpen = () => dialog.open;

async function tried(work) {
  try { return await work(); } catch (problem) {
    if (problem.name !== "AbortError") toast([problem.message, problem.remedy].filter(Boolean).join(" · "));
    return undefined;
  }
}

const button = (text, onclick, props = {}) => el("button", { type: "button", class: "plain small", onclick, ...props }, text);

/** Copy text; where the browser refuses (no TLS), select it to be copied by hand. */
export async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    toast(done);
  } catch {
    openPanel("copy_paths", text);
  }
}

async function alerts() {
  const found = await tried(() => post("alerts"));
  if (!found) return;
  if (!found.standing.length) content.append(el("p", { class: "quiet" }, words.no_alerts));
  for (const alert of found.standing) {
    const kind = words[`kind_${alert.kind}`] ?? alert.kind;
    content.append(el("div", { class: "line" },
      el("div", {}, el("strong", {}, bdi(alert.text)), el("p", { class: "quiet" }, [words.n_found(alert.matches), kind, alert.directory, alert.trouble].filter(Boolean).join(" · "))),
      button(words.remove_it, async () => { if (await tried(() => post("alert-remove", { id: alert.id }))) openPanel("alerts"); }, { "aria-label": words.remove(alert.text) })));
  }
}

function saveAlert(text) {
  const choice = (kind, checked) => el("label", { class: "choice" }, el("input", { type: "radio", name: "kind", value: kind, checked }), words[`kind_${kind}`]);
  const folder = el("input", { type: "text", dir: "ltr", "aria-label": words.album, placeholder: "~/Pictures/…" });
  folder.hidden = true;
  const form = el("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      const kind = new FormData(form).get("kind");
      const saved = await tried(() => post("alert-add", { text, kind, directory: kind === "link" ? folder.value : "" }));
      if (!saved) return;
      dialog.close();
      toast([saved.new ? words.alert_saved : words.alert_exists, ...saved.warnings].join(" · "));
    },
    onchange: () => { folder.hidden = new FormData(form).get("kind") !== "link"; },
  }, el("p", {}, el("strong", {}, bdi(text))), el("p", {}, words.alert_for), choice("stream", true), choice("notify"), choice("link"), folder,
    el("p", { class: "buttons" }, el("button", { class: "main" }, words.save), button(words.cancel, () => dialog.close())));
  content.append(form);
}

async function duplicates() {
  const near = el("input", { type: "checkbox" });
  const result = el("div"), status = el("p", { class: "quiet", role: "status" }, words.deletes_nothing);
  const extras = [];
  const copyList = button(words.copy_list, () => copy(extras.join("\n"), words.copied_n(extras.length)));
  copyList.hidden = true;
  const run = async () => {
    stop.abort();
    stop = new AbortController();
    result.replaceChildren();
    extras.length = 0;
    let groups = 0;
    status.textContent = words.looking;
    await tried(async () => {
      for await (const part of lines("duplicates", { near: near.checked }, stop.signal)) {
        if (part.error) throw Object.assign(new Error(part.error.message), part.error);
        for (const group of part.groups ?? []) {
          groups += 1;
          extras.push(...group.photos.slice(1).map((photo) => photo.path));
          result.append(el("div", { class: "twins" }, group.photos.map(twin)));
          if (groups === MOST_GROUPS) { stop.abort(); break; }
        }
      }
    });
    status.textContent = groups === MOST_GROUPS ? words.stopped_at(groups) : groups ? `${words.n_groups(groups)} · ${words.deletes_nothing}` : words.no_duplicates;
    copyList.hidden = !extras.length;
  };
  content.append(el("p", { class: "buttons" }, el("label", { class: "choice" }, near, words.near_too), el("button", { type: "button", class: "main", onclick: run }, words.look), copyList), status, result);
}

function twin(photo, at) {
  const name = fileName(photo.path);
  const pixels = photo.width ? `${photo.width} × ${photo.height}` : "";
  return el("figure", { class: at ? "" : "keeper" },
    photo.content_id && el("img", { src: picture(photo.content_id, 320), alt: name, loading: "lazy", width: 160, height: 120 }),
    el("figcaption", {}, el("strong", {}, words.relation[photo.relation] ?? photo.relation), el("span", { title: photo.path }, bdi(name)), el("span", { class: "quiet" }, [pixels, size(photo.size)].filter(Boolean).join(" · "))));
}

let daemon = null;
/** The panels that show the daemon's state need it. */
export function follow(found) { daemon = found; }

function folders() {
  const found = daemon.status?.folders ?? [];
  for (const folder of found) {
    const about = [words.n_photos(folder.photos), folder.state === "ok" ? "" : folder.state, folder.reason, folder.remedy].filter(Boolean).join(" · ");
    content.append(el("div", { class: "line" }, el("div", {}, el("strong", {}, bdi(folder.path)), el("p", { class: "quiet" }, about)),
      daemon.local && button(words.remove_it, async () => {
        if (!confirm(words.remove_folder(folder.path))) return;
        if (await tried(() => post("folder-remove", { path: folder.path, path_b64: folder.path_b64 }))) dialog.close();
      }, { "aria-label": words.remove(folder.path) })));
  }
  if (!daemon.local) return;
  const options = el("datalist", { id: "paths" });
  const input = el("input", {
    type: "text", dir: "ltr", list: "paths", "aria-label": words.add_folder, placeholder: "~/Pictures", autocomplete: "off", spellcheck: "false",
    oninput: async () => {
      const known = await tried(() => post("complete", { path: input.value }));
      if (known) options.replaceChildren(...known.paths.map((path) => el("option", { value: path })));
    },
  });
  content.append(el("form", {
    class: "buttons",
    onsubmit: async (event) => {
      event.preventDefault();
      const added = await tried(() => post("folder-add", { path: input.value }));
      if (!added) return;
      dialog.close();
      toast([words.folder_added, added.reason].filter(Boolean).join(" · "));
    },
  }, input, options, el("button", { class: "main" }, words.add)));
}

async function failures() {
  const found = await tried(() => post("failures"));
  if (!found) return;
  const groups = Map.groupBy ? Map.groupBy(found.failures, (one) => one.reason) : new Map([["", found.failures]]);
  content.append(el("p", { class: "buttons" }, el("strong", {}, words.failed(found.failures.length)), button(words.retry, async () => {
    const again = await tried(() => post("retry"));
    if (again) { dialog.close(); toast(words.retried(again.retried)); }
  })));
  for (const [reason, photos] of groups) {
    content.append(el("details", {}, el("summary", {}, bdi(reason), ` (${photos.length})`), el("p", { class: "quiet" }, bdi(photos[0].remedy)),
      el("ul", {}, photos.slice(0, 200).map((photo) => el("li", {}, bdi(photo.path))))));
  }
}

function keys() {
  const row = (names, text) => el("div", {}, el("dt", {}, names.map((name) => [el("kbd", {}, name), " "]).flat()), el("dd", {}, text));
  const k = words.k;
  content.append(el("dl", { class: "keys-list" }, row(["/"], k.slash), row(["←", "→", "↑", "↓"], k.arrows), row(["Enter"], k.enter), row(["Esc"], k.esc),
    row(["s"], k.s), row(["c"], k.c), row(["x"], k.x), row(["i"], k.i), row(["z"], k.z), row(["w"], k.w), row(["?"], k.ask)));
}

function paths(text) {
  const area = el("textarea", { rows: 10, readonly: true, dir: "ltr", "aria-label": words.copy_paths });
  area.value = text;
  content.append(area);
  area.select();
}

const PANELS = { alerts, save_alert: saveAlert, duplicates, folders, failures, keys, copy_paths: paths };
