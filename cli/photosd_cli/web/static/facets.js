// Facets with counts, and the filters that are set by them, as chips.
import { bdi, el } from "./dom.js";
import { language, num, words } from "./words.js";

const ORDER = ["year", "month", "place", "country", "person", "tag", "camera", "folder", "type"];
const LISTS = { place: "places", country: "places", person: "people", tag: "tags", folder: "below", type: "formats" };

/** The filter with this value added, or removed if it is set already. */
export function toggled(where, kind, value) {
  const next = { ...where };
  if (kind === "year" || kind === "month") {
    if (next.since === value) { delete next.since; delete next.until; }
    else Object.assign(next, { since: value, until: value });
  } else if (kind === "camera") {
    if (next.camera === value) delete next.camera;
    else next.camera = value;
  } else {
    const name = LISTS[kind], values = next[name] ?? [];
    next[name] = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
    if (!next[name].length) delete next[name];
  }
  return next;
}

const isSet = (where, kind, value) => kind === "year" || kind === "month" ? where.since === value
  : kind === "camera" ? where.camera === value : (where[LISTS[kind]] ?? []).includes(value);

/** The kinds that have values, as buttons with counts. */
export function facetNodes(facets, where, change) {
  return ORDER.filter((kind) => (facets[kind] ?? []).some((one) => !one.value_b64)).map((kind) =>
    el("div", { class: "facet", role: "group", "aria-label": words.facet[kind] },
      el("h2", {}, words.facet[kind]),
      el("div", { class: "values" }, facets[kind].filter((one) => !one.value_b64).map((one) =>
        el("button", { type: "button", class: "chip", "aria-pressed": String(isSet(where, kind, one.value)), onclick: () => change(toggled(where, kind, one.value)) },
          bdi(shown(kind, one.value)), el("small", {}, ` ${num(one.photos)}`))))));
}

function shown(kind, value) {
  if (kind === "folder") return value.split("/").filter(Boolean).slice(-2).join("/");
  const month = /^(\d{4})-(\d\d)$/.exec(value);
  if (!month) return value;
  return new Intl.DateTimeFormat(language, { year: "numeric", month: "short", timeZone: "UTC" }).format(new Date(Date.UTC(month[1], month[2] - 1)));
}

/** The set filters as [text, the filter without it]. */
export function setFilters(where) {
  const found = [];
  if (where.since || where.until) {
    const text = where.since === where.until ? shown("month", where.since) : `${where.since ?? ""} – ${where.until ?? ""}`;
    const { since, until, ...rest } = where;
    found.push([text, rest]);
  }
  for (const [name, values] of Object.entries(where)) {
    if (name === "since" || name === "until") continue;
    for (const value of Array.isArray(values) ? values : [values]) {
      const { [name]: _, ...rest } = where;
      const left = Array.isArray(values) ? values.filter((one) => one !== value) : [];
      found.push([shown(name === "below" ? "folder" : name, String(value)), left.length ? { ...rest, [name]: left } : rest]);
    }
  }
  return found;
}

/** Example queries of what the library has. */
export function examplesOf(facets) {
  const names = (kind, most) => (facets[kind] ?? []).slice(0, most).map((one) => one.value);
  const [year] = names("year", 1), [person] = names("person", 1), places = names("place", 2);
  const own = [person && (year ? `${person} ${year}` : person), places[0], names("tag", 1)[0], places[1] && year && `${places[1]} ${year}`];
  const plain = language === "he" ? ["שקיעה בים", "כלב", "ילדים משחקים", "אוכל", "יער"] : ["sunset over the sea", "a dog", "children playing", "food on a table", "forest"];
  return [...own.filter(Boolean), ...plain].slice(0, 5);
}
