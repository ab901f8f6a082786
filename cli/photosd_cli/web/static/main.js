// The page: what is typed becomes a search, its answer a grid; keys, chips, selection.
import { drop, dropped, picture, post } from "./api.js";
import { Daemon, banner } from "./daemon.js";
import { all, bdi, el, find, toast } from "./dom.js";
import { examplesOf, facetNodes, setFilters } from "./facets.js";
import { Grid } from "./grid.js";
import { copy, follow, openPanel, panelIsOpen } from "./panels.js";
import { Search } from "./search.js";
import { asQuery, emptyState, fromHash, hasFilter, isEmpty, takeTerms, toHash } from "./state.js";
import { Viewer } from "./viewer.js";
import { fileName, num, switchLanguage, translate, when, words } from "./words.js";

const DEBOUNCE = 120, RETRY = 1500; // milliseconds
const WEAK = "weak";

translate();
const box = find("#box"), gridPlace = find("#grid");
let opened = false; // the viewer, with an entry in the history
let state = fromHash(location.hash), result = null, weakShown = false, good = [], weak = [], counts = null, timer = 0;

// -- answers ---------------------------------------------------------------------------------------

const search = new Search({ answer: answered, page: paged, counts: counted, problem: failed });

function ask() {
  clearTimeout(timer);
  search.ask(state);
}

const isGood = (hit) => result.convincing && hit.strength !== "weak";
const browsing = () => isEmpty(state);
const groupOf = (hit) => browsing() ? when(hit, hit.taken_precision === "year" ? "year" : "month") || words.undated
  : weak.length && !isGood(hit) && good.length ? WEAK : null;

function answered(found) {
  result = found;
  counts = null;
  banner("");
  weakShown = !found.convincing;
  good = browsing() ? found.hits : found.hits.filter(isGood);
  weak = browsing() ? [] : found.hits.filter((hit) => !isGood(hit));
  grid.clearSelection();
  grid.current = -1;
  if (!isEmpty(state) || hasFilter(state)) find("#examples").hidden = true;
  if (scrollY > 0) scrollTo(0, 0);
  place();
  summary();
  chips();
  openFromAddress();
  performance.mark("photosd-answer"); // measured by benchmarks/web.py
  performance.clearMarks();
}

/** Put the hits into the grid: the weak ones behind a line, unless there are no others. */
function place() {
  grid.set(weakShown ? [...good, ...weak] : [...good], groupOf);
  line();
}

/** The line below the grid that shows the weaker ones. */
function line() {
  const end = find("#end");
  end.replaceChildren();
  end.hidden = !(good.length > 0 && weak.length > 0 && !weakShown);
  if (!end.hidden) end.append(weakLine());
}

const weakLine = () => el("button", { type: "button", class: "weak-line", "aria-expanded": String(weakShown), "aria-keyshortcuts": "w", onclick: toggleWeak },
  weakShown ? words.weaker_hide : words.weaker_show);

function toggleWeak() {
  if (!good.length || !weak.length) return;
  weakShown = !weakShown;
  place();
}

function paged(hits) {
  if (browsing() || weakShown) {
    (browsing() ? good : weak).push(...hits);
    grid.append(hits);
    return;
  }
  const strong = hits.filter(isGood);
  good.push(...strong);
  weak.push(...hits.filter((hit) => !isGood(hit)));
  if (strong.length) grid.append(strong);
  line();
}

function more() {
  // Weak ones come after the good ones: they are fetched once they are to be shown.
  if (result && (browsing() || weakShown || !weak.length)) search.more();
}

function counted(found) {
  counts = found;
  summary();
  if (!find("#facets").hidden) facets();
  const examples = find("#examples");
  examples.hidden = !(isEmpty(state) && !hasFilter(state) && found.photos > 0);
  if (!examples.hidden) {
    examples.replaceChildren(el("span", {}, words.examples), ...examplesOf(found.facets).map((text) =>
      el("button", { type: "button", class: "chip", onclick: () => { box.value = text; change({ q: text }); box.focus(); } }, bdi(text))));
  }
}

function failed(problem) {
  if ([0, 503, 504].includes(problem.status)) {
    if (problem.status === 0) banner(words.server_gone);
    else if (["not_running", "unreachable"].includes(problem.code)) banner(words.down);
    else toast(problem.message);
    timer = setTimeout(ask, problem.retry_after_ms ?? RETRY);
    return;
  }
  find("#summary").textContent = problem.message;
  toast([problem.message, problem.remedy].filter(Boolean).join(" · "));
}

function summary() {
  const place = find("#summary"), { coverage } = result;
  let text;
  if (browsing()) text = counts ? words.n_photos(counts.photos) : hasFilter(state) ? words.n_photos(good.length) : words.home;
  else if (!result.convincing) text = result.hits.length ? words.no_good : words.nothing;
  else text = words.n_matches(counts?.convincing && !state.terms.length ? counts.photos : good.length);
  if (browsing() && !good.length) text = coverage.photos ? words.nothing : words.none_yet;
  const notes = [
    result.unknown.length && words.not_understood(result.unknown.join(", ")), coverage.pending > 0 && words.still(coverage.pending),
    ...result.warnings,
  ].filter(Boolean);
  place.replaceChildren(text, ...notes.flatMap((note) => [" ", el("span", { class: "note" }, bdi(note))]));
  find("#save").hidden = !state.q.trim();
  document.title = state.q.trim() ? `${state.q.trim()} · photosd` : "photosd";
}

// -- the state -------------------------------------------------------------------------------------

/** Change what is searched for; ``typing``: wait until no key is pressed, and keep no history. */
function change(more, typing = false) {
  state = { ...state, ...more, photo: "" };
  history[typing ? "replaceState" : "pushState"](null, "", toHash(state));
  showSort();
  chips();
  clearTimeout(timer);
  if (typing) timer = setTimeout(ask, DEBOUNCE);
  else ask();
}

/** Without words, the best ones are the newest. */
function showSort() {
  find("#sort").value = isEmpty(state) && state.sort === "match" ? "-date" : state.sort;
}

function restore() {
  const before = JSON.stringify(asQuery(state));
  state = fromHash(location.hash);
  if (box.value !== state.q) box.value = state.q;
  showSort();
  if (JSON.stringify(asQuery(state)) !== before) { chips(); ask(); } else openFromAddress();
}

function openFromAddress() {
  if (!state.photo) { if (viewer.open) find("#light").close(); return; }
  const index = grid.hits.findIndex((hit) => hit.content_id === state.photo);
  if (index >= 0 && !(viewer.open && viewer.index === index)) viewer.show(index);
}

function chips() {
  const terms = state.terms.map((term, at) => {
    const rest = state.terms.filter((_, other) => other !== at);
    const sign = term.weight < 0 ? "−" : "+", weight = Math.abs(term.weight ?? 1);
    const shown = term.text ?? term.name ?? words.photo;
    const source = term.content ? picture(term.content, 320) : term.dropped ? dropped(term.dropped) : "";
    return chip([source && el("img", { src: source, alt: "" }), `${sign}${weight === 1 ? "" : ` ${num(weight)}×`} `, term.text ? bdi(term.text) : source ? "" : bdi(shown)], `${sign}${shown}`, () => change({ terms: rest }), term.weight < 0 ? "minus" : "plus");
  });
  find("#terms").replaceChildren(...terms);
  const read = (result?.read_as ?? []).filter((part) => part.kind !== "rest" && state.q.includes(part.text) && !state.without.includes(part.kind));
  find("#chips").replaceChildren(
    ...read.map((part) => chip([bdi(part.value)], part.value, () => change({ without: [...state.without, part.kind] }), "read", words.read_from)),
    ...setFilters(state.where).map(([text, where]) => chip([bdi(text)], text, () => change({ where }))));
}

const chip = (content, spoken, remove, kind = "", title = null) => el("span", { class: `chip ${kind}`, title }, content,
  el("button", { type: "button", "aria-label": words.remove(spoken), onclick: () => { remove(); box.focus(); } }, "×"));

function facets() {
  const place = find("#facets");
  place.replaceChildren(...(counts ? facetNodes(counts.facets, state.where, (where) => change({ where })) : []));
}

// -- the box ---------------------------------------------------------------------------------------

box.value = state.q;
box.addEventListener("input", () => typed(true));
find(".box").addEventListener("submit", (event) => {
  event.preventDefault();
  typed(false);
});

function typed(typing) {
  const taken = takeTerms(box.value, typing);
  if (taken.terms.length) box.value = taken.rest;
  // Conditions that were removed stay removed until the box is empty.
  const without = box.value.trim() ? state.without : [];
  change({ q: box.value, terms: [...state.terms, ...taken.terms], without }, typing);
}

async function dropPicture(file) {
  if (!file) return;
  try {
    const name = await drop(file);
    change({ terms: [...state.terms, { dropped: name, name: file.name, weight: 1 }] });
  } catch (problem) { toast([problem.message, problem.remedy].filter(Boolean).join(" · ")); }
}

find("#pick").addEventListener("click", () => find("#file").click());
find("#file").addEventListener("change", (event) => { dropPicture(event.target.files[0]); event.target.value = ""; });
addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (file) { event.preventDefault(); dropPicture(file); }
});
addEventListener("dragover", (event) => { event.preventDefault(); find("#drop").hidden = false; });
addEventListener("dragleave", (event) => { if (!event.relatedTarget) find("#drop").hidden = true; });
addEventListener("dragend", () => { find("#drop").hidden = true; });
addEventListener("drop", (event) => {
  event.preventDefault();
  find("#drop").hidden = true;
  const content = event.dataTransfer.getData("text/x-photosd");
  if (content) change({ terms: [...state.terms, { content, weight: 1 }] });
  else dropPicture(event.dataTransfer.files[0]);
});

// -- the grid and the viewer -----------------------------------------------------------------------

const grid = new Grid(gridPlace, { open: openPhoto, more, select: selected, heading: (group) => group === WEAK ? weakLine() : el("h2", {}, bdi(group)) });
const viewer = new Viewer(find("#light"), { list: () => grid.hits, closed, moved, act });

function openPhoto(index) {
  history.pushState(null, "", toHash({ ...state, photo: grid.hits[index].content_id }));
  opened = true;
  state.photo = grid.hits[index].content_id;
  viewer.show(index);
}

function moved(hit, index) {
  state.photo = hit.content_id;
  history.replaceState(null, "", toHash(state));
  if (index > grid.hits.length - 10) more();
}

function closed(index) {
  const back = opened && state.photo;
  state.photo = "";
  if (back) history.back();
  else history.replaceState(null, "", toHash(state));
  opened = false;
  if (index >= 0 && index < grid.hits.length) grid.focus(index);
}

const actions = {
  similar: (hit) => { leave(); box.value = ""; change({ ...emptyState(), terms: [{ content: hit.content_id, name: fileName(hit.path), weight: 1 }] }); },
  more: (hit) => { leave(); change({ terms: [...state.terms, { content: hit.content_id, name: fileName(hit.path), weight: 1 }] }); },
  less: (hit) => { leave(); change({ terms: [...state.terms, { content: hit.content_id, name: fileName(hit.path), weight: -0.5 }] }); },
  copy: (hit) => copy(hit.path, words.copied),
  reveal: async (hit) => { try { await post("reveal", { content: hit.content_id }); } catch (problem) { toast(problem.message); } },
  select: (hit) => { grid.toggle(grid.hits.indexOf(hit)); toast(words.n_selected(grid.selected.size)); },
  download: () => {},
};
function act(name, hit) { if (hit) actions[name](hit); }

/** Close the viewer without going back: a new search follows. */
function leave() {
  state.photo = "";
  opened = false;
  if (viewer.open) { viewer.index = -1; find("#light").close(); }
}

function selected() {
  const { size } = grid.selected;
  find("#selection").hidden = size === 0;
  find("#selected").textContent = words.n_selected(size);
  document.body.classList.toggle("selecting", size > 0);
}

find("#copy-paths").addEventListener("click", () => copy([...grid.selected.values()].map((hit) => hit.path).join("\n"), words.copied_n(grid.selected.size)));
find("#unselect").addEventListener("click", () => grid.clearSelection());
find("#zip").addEventListener("click", async () => {
  try {
    const { name } = await post("zip", { contents: [...grid.selected.keys()] });
    const link = el("a", { href: `/zip/${name}`, download: "photos.zip" });
    link.click();
  } catch (problem) { toast(problem.message); }
});

// -- the bars --------------------------------------------------------------------------------------

const daemon = new Daemon({ ready: ask, panel: openPanel, changed: libraryChanged });
follow(daemon);
let indexed = null;
function libraryChanged(status) {
  // New photos: the home page shows them when it is at the top.
  const before = indexed;
  indexed = status.index.indexed;
  if (before === null || before === indexed || !result) return;
  if (isEmpty(state) && scrollY < 10 && !viewer.open && !grid.selected.size && !grid.focused) ask();
}

find("#filters").addEventListener("click", () => {
  const place = find("#facets");
  place.hidden = !place.hidden;
  find("#filters").setAttribute("aria-expanded", String(!place.hidden));
  if (!place.hidden) facets();
});
find("#sort").addEventListener("change", (event) => change({ sort: event.target.value }));
find("#save").addEventListener("click", () => openPanel("save_alert", state.q.trim()));
find("#language").addEventListener("click", switchLanguage);
find("#ask").addEventListener("click", () => { find("#menu").hidePopover(); openPanel("keys"); });
for (const button of all("[data-panel]")) {
  button.addEventListener("click", () => { find("#menu").hidePopover(); openPanel(button.dataset.panel); });
}
find(".brand").addEventListener("click", (event) => {
  event.preventDefault();
  box.value = "";
  change(emptyState());
});
for (const button of all("[data-size]")) button.addEventListener("click", () => sizeOf(button.dataset.size));
function sizeOf(wanted) {
  for (const button of all("[data-size]")) button.setAttribute("aria-pressed", String(button.dataset.size === String(wanted)));
  try { localStorage.setItem("photosd-size", wanted); } catch { /* not allowed */ }
  grid.resize(Number(wanted));
}
let storedSize = null;
try { storedSize = localStorage.getItem("photosd-size"); } catch { /* not allowed */ }
sizeOf(["150", "220", "330"].includes(storedSize) ? storedSize : "220");

// -- keys ------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || panelIsOpen()) return;
  if (viewer.open) {
    if (viewer.key(event)) event.preventDefault();
    return;
  }
  if (event.target === box) { boxKey(event); return; }
  if (event.target.closest("input, select, textarea, [popover]")) return;
  if (pageKey(event)) event.preventDefault();
});

function boxKey(event) {
  if (event.key === "ArrowDown" && grid.hits.length) { event.preventDefault(); grid.move("Home"); }
  else if (event.key === "Escape") { event.preventDefault(); box.value = ""; change({ ...emptyState(), sort: state.sort }); }
  else if (event.key === "Backspace" && !box.value && state.terms.length) change({ terms: state.terms.slice(0, -1) });
}

function pageKey(event) {
  const { key } = event, hit = grid.focused ? grid.hits[grid.current] : null;
  if (key.startsWith("Arrow") || ((key === "Home" || key === "End") && grid.focused)) grid.move(key);
  else if (key === "/") { box.focus(); box.select(); }
  else if (key === "?") openPanel("keys");
  else if (key === "w") toggleWeak();
  else if (key === "Escape") { if (grid.selected.size) grid.clearSelection(); else box.focus(); }
  else if (hit && key === "s") act("similar", hit);
  else if (hit && key === "c") act("copy", hit);
  else if (hit && key === "x") grid.toggle(grid.current);
  else return false;
  return true;
}

addEventListener("popstate", restore);
document.addEventListener("photosd-session", () => banner(words.session));
showSort();
find("#examples").hidden = !isEmpty(state) || hasFilter(state); // its room is kept: nothing moves later
ask();
