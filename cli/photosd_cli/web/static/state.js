// What is searched for, in the address after `#`, which no browser sends to a server.

export const emptyState = () => ({ q: "", terms: [], where: {}, without: [], sort: "match", photo: "" });

export const isEmpty = (state) => !state.q.trim() && !state.terms.length;
export const hasFilter = (state) => Object.keys(state.where).length > 0;

export function toHash(state) {
  const found = new URLSearchParams();
  if (state.q) found.set("q", state.q);
  if (state.terms.length) found.set("terms", JSON.stringify(state.terms));
  if (hasFilter(state)) found.set("where", JSON.stringify(state.where));
  if (state.without.length) found.set("without", state.without.join(","));
  if (state.sort !== "match") found.set("sort", state.sort);
  if (state.photo) found.set("photo", state.photo);
  return `#${found}`;
}

export function fromHash(hash) {
  const found = new URLSearchParams(hash.slice(1));
  const parsed = (name, otherwise) => {
    try {
      const value = JSON.parse(found.get(name) ?? "null");
      return value !== null && typeof value === "object" && Array.isArray(value) === Array.isArray(otherwise) ? value : otherwise;
    } catch { return otherwise; }
  };
  return {
    q: found.get("q") ?? "",
    terms: parsed("terms", []).filter((term) => term && typeof term === "object"),
    where: parsed("where", {}),
    without: (found.get("without") ?? "").split(",").filter(Boolean),
    sort: ["date", "-date"].includes(found.get("sort")) ? found.get("sort") : "match",
    photo: found.get("photo") ?? "",
  };
}

const TERM = /(^|\s)([+-])(?:(\d+(?:\.\d+)?):)?(?:"([^"]+)"|([^\s"]+))(?=\s|$)/u;

/** Terms such as `-people` and `+2:dog` in the text; while typing, only those followed by a blank. */
export function takeTerms(text, typing) {
  const terms = [];
  let rest = text;
  for (;;) {
    const match = TERM.exec(rest);
    if (!match || (typing && match.index + match[0].length === rest.length)) break;
    const weight = Math.min(100, Number(match[3] ?? 1)) || 1;
    terms.push({ text: match[4] ?? match[5], weight: match[2] === "-" ? -weight : weight });
    rest = `${rest.slice(0, match.index)}${match[1]}${rest.slice(match.index + match[0].length).trimStart()}`;
  }
  return { terms, rest };
}

/** The parameters of the query. */
export function asQuery(state) {
  return {
    text: state.q.trim(),
    terms: state.terms.map(({ text, content, dropped, weight }) => ({ text: text ?? "", content: content ?? "", dropped: dropped ?? "", weight: weight ?? 1 })),
    where: state.where,
    without: state.without,
    sort: isEmpty(state) && state.sort === "match" ? "-date" : state.sort,
    others: state.terms.some((term) => term.content && term.weight > 0),
  };
}
