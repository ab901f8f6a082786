// Answers to the search: as you type, page by page; an older answer never replaces a newer one.
import { post } from "./api.js";
import { asQuery } from "./state.js";

const PAGE = 60;

export class Search {
  /** ``callbacks``: answer(result), page(hits), counts(result), problem(error). */
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.generation = 0;
    this.cursor = null;
    this.loading = false;
    this.aborter = new AbortController();
  }

  /** Ask; the answer comes to ``answer`` unless a newer question was asked meanwhile. */
  async ask(state) {
    const generation = ++this.generation;
    this.aborter.abort();
    this.aborter = new AbortController();
    this.loading = true;
    const { signal } = this.aborter, query = asQuery(state);
    try {
      const result = await post("query", { ...query, limit: PAGE }, signal);
      if (generation !== this.generation) return;
      this.cursor = result.cursor;
      this.loading = false;
      this.callbacks.answer(result);
    } catch (problem) {
      if (generation !== this.generation || problem.name === "AbortError") return;
      this.loading = false;
      this.cursor = null;
      this.callbacks.problem(problem);
      return;
    }
    this.#count(query, generation, signal);
  }

  async #count(query, generation, signal) {
    try {
      const counts = await post("facets", { text: query.text, where: query.where }, signal);
      if (generation === this.generation) this.callbacks.counts(counts);
    } catch { /* the answer is shown without counts */ }
  }

  /** The next page. */
  async more() {
    if (this.loading || !this.cursor) return;
    const { generation } = this;
    this.loading = true;
    try {
      const result = await post("query", { cursor: this.cursor, limit: PAGE }, this.aborter.signal);
      if (generation !== this.generation) return;
      this.cursor = result.cursor;
      this.loading = false;
      this.callbacks.page(result.hits);
    } catch (problem) {
      if (generation !== this.generation || problem.name === "AbortError") return;
      this.loading = false;
      this.cursor = null;
      if (problem.code !== "bad_request") this.callbacks.problem(problem); // else the cursor expired
    }
  }
}
