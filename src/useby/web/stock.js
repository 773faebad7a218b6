/**
 * The stock of one household: loads it, and keeps it up to date. `actions` changes it.
 *
 * @module
 */

import { Actions } from "./actions.js";
import { ApiError, PAGE_SIZE } from "./api.js";
import { isUnreached } from "./changes.js";
import { URGENCIES } from "./dates.js";
import { withFields, withFoundAgain, withListed } from "./state.js";
import { isWhole, withCounts, withFirst, withNow, withPage, withoutProduct, withProduct } from "./state/lots.js";
import { Turns } from "./turns.js";

/** @typedef {import("./types.js").Product} Product */
/** @typedef {import("./types.js").Urgency} Urgency */
/** @typedef {Pick<import("./state.js").Store, "state" | "update">} Store */

/** Number of changed products from which all is loaded again in place of each one. */
const MANY = 20;

/** Number of lots of the first request: more than a screen shows. Each takes some 25 elements. */
const FIRST_LOTS = 30;
/** Number of lots of each later request: few enough for their rows to be made within a frame. */
const NEXT_LOTS = 30;
/** Maximum number of lots or products of a request. */
const MOST = 500;

export class Stock {
  #store;
  #api;
  #t;
  #turns = new Turns();
  /** @type {Set<string>} */
  #changed = new Set(); // products to fetch
  #isLoading = false;
  /** @type {Map<string, number>} */
  #busy = new Map(); // number of unanswered actions of each product

  /**
   * @param {Store} store
   * @param {import("./api.js").Api} api within the household
   * @param {import("./text.js").Translate} t
   */
  constructor(store, api, t) {
    this.#store = store;
    this.#api = api;
    this.#t = t;
    this.actions = new Actions(store, api, t, this);
  }

  // Loading

  /** Load again all that is shown: after a lost connection, and after more changes than are fetched one by one. */
  async loadShown() {
    await this.load();
    const { route, products, listed } = this.#store.state;
    if (route.view === "products" && listed.loaded) await this.#searchAgain();
    else if (route.view === "product" && products.has(route.id)) await this.#fetch(route.id);
  }

  /** Load the counts, and the first lots of all groups together. */
  async load() {
    await this.#turns.run("load", async () => {
      this.#isLoading = true;
      try {
        await this.#loadGroups();
      } finally {
        this.#isLoading = false;
      }
    });
    if (this.#changed.size) void this.refresh().catch(() => {}); // not awaited: a refresh may have begun this
  }

  async #loadGroups() {
    this.#store.update(withNow, Date.now());
    const { groups } = this.#store.state.due;
    const shown = URGENCIES.reduce((sum, urgency) => sum + groups[urgency].ids.length, 0);
    const [counts, page] = await this.#countedToday(() => {
      const counting = this.#api.counts();
      // A list that was scrolled stays as long.
      const loading = pagesOf(Math.max(FIRST_LOTS, shown), (cursor, limit) => this.#api.lots({ cursor, limit }));
      return Promise.all([counting, loading]);
    });
    this.#store.update(withFirst, counts, page);
  }

  /**
   * Return an answer that counts the days of today: one that comes after midnight is asked for again.
   *
   * @template Answer
   * @param {() => Promise<Answer>} ask
   * @returns {Promise<Answer>}
   */
  async #countedToday(ask) {
    const { today, zone } = this.#store.state;
    const answer = await ask();
    const { state } = this.#store; // which another household may have by now
    return state.zone !== zone || state.today === today ? answer : this.#countedToday(ask);
  }

  /**
   * Load the next page of a group.
   *
   * @param {Urgency} urgency
   */
  more(urgency) {
    const { cursor } = this.#store.state.due.groups[urgency];
    if (cursor === null) return Promise.resolve();
    return this.#turns.run(`more ${urgency}`, async () => {
      if (this.#store.state.due.groups[urgency].cursor !== cursor) return;
      const page = await this.#countedToday(() => this.#api.lots({ urgency, cursor, limit: NEXT_LOTS }));
      this.#store.update(withPage, urgency, page);
    });
  }

  /** Fetch the node's counts; if they differ after a midnight, load the groups again. */
  async countAgain() {
    const before = this.#store.state.due.counts;
    const after = await this.#api.counts();
    this.#store.update(withCounts, after);
    if (before && URGENCIES.some((urgency) => before[urgency] !== after[urgency])) await this.load();
  }

  #count() {
    return this.#turns.run("count", async () => this.#store.update(withCounts, await this.#api.counts()));
  }

  /**
   * Search products; without the node, among those that are kept on this device.
   *
   * @param {Record<string, string>} filters
   */
  async search(filters) {
    this.#store.update(withFields, { listed: { ...this.#store.state.listed, filters } });
    try {
      const page = await this.#countedToday(() => this.#api.products(filters, null));
      this.#store.update(withListed, filters, this.#taken(page), true);
    } catch (error) {
      if (isUnreached(error)) {
        const { withFoundHere } = await import("./offline/search.js");
        this.#store.update(withFoundHere, filters);
      }
      throw error;
    }
  }

  /** Load the next page of the products that were found. */
  async moreFound() {
    const { filters, cursor } = this.#store.state.listed;
    if (cursor === null) return;
    await this.#turns.run(`found ${cursor}`, async () => {
      const page = await this.#countedToday(() => this.#api.products(filters, cursor));
      this.#store.update(withListed, filters, this.#taken(page), false);
    });
  }

  /** Search again; a list that was scrolled stays as long. */
  #searchAgain() {
    return this.#turns.run("search", async () => {
      const { filters, ids } = this.#store.state.listed;
      const least = Math.max(PAGE_SIZE, ids.length);
      const page = await pagesOf(least, (cursor, limit) => this.#api.products({ ...filters, limit: String(limit) }, cursor));
      this.#store.update(withFoundAgain, filters, this.#taken(page));
    });
  }

  /**
   * Return products that were found. An answer may be older than an action on one of them, which is fetched again.
   *
   * @param {import("./types.js").Page<Product>} page
   */
  #taken({ items, nextCursor }) {
    const { products } = this.#store.state;
    for (const { id } of items) if (this.#busy.has(id)) this.#changed.add(id);
    return { items: items.map((each) => (this.#busy.has(each.id) && products.get(each.id)) || each), nextCursor };
  }

  /** @param {string} id */
  async loadProduct(id) {
    this.#store.update(withProduct, await this.#countedToday(() => this.#api.product(id)));
  }

  // Changes by others

  /**
   * Fetch products that have changed.
   *
   * @param {readonly string[]} ids
   */
  changed(...ids) {
    const known = ids.filter(Boolean); // what waits on this device has none yet
    if (!known.length) return Promise.resolve();
    for (const id of known) this.#changed.add(id);
    return this.refresh();
  }

  /**
   * Take in a product that the node has published.
   *
   * @param {Product | {id: string}} product only its id if it was deleted
   */
  published(product) {
    const { id } = product;
    if (!("name" in product)) {
      this.#changed.delete(id);
      this.#store.update(withoutProduct, id);
      // Groups that arrive may be older and have it.
      return this.#isLoading ? this.load() : this.refresh();
    }
    if (isWhole(product) && !this.#busy.has(id)) this.#store.update(withProduct, product);
    else this.#changed.add(id);
    if (this.#isLoading) this.#changed.add(id); // as above
    return this.refresh();
  }

  /** Fetch the products that have changed, and the counts. */
  refresh() {
    return this.#turns.run("changed", async () => {
      await this.#turns.idle("load");
      const ids = [...this.#changed].filter((id) => !this.#busy.has(id));
      for (const id of ids) this.#changed.delete(id);
      if (ids.length > MANY) return this.loadShown();
      await Promise.all(ids.map((id) => this.#fetch(id)));
      await this.#count();
      await this.#listAgain(ids);
    });
  }

  /** @param {string} id */
  async #fetch(id) {
    try {
      const product = await this.#countedToday(() => this.#api.product(id));
      // The answer may be older than an action, and the groups that arrive older than the answer.
      if (this.#busy.has(id) || this.#isLoading) this.#changed.add(id);
      if (!this.#busy.has(id)) this.#store.update(withProduct, product);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      this.#store.update(withoutProduct, id);
    }
  }

  /**
   * Search again if a changed product is not among those found.
   *
   * @param {readonly string[]} ids
   */
  async #listAgain(ids) {
    const { listed, products } = this.#store.state;
    if (!listed.loaded || !ids.some((id) => products.has(id) && !listed.ids.includes(id))) return;
    const first = await this.#api.products(listed.filters, null);
    const { cursor } = this.#store.state.listed;
    // Rows that are added at the end move nothing.
    const page = { items: first.items, nextCursor: cursor ?? first.nextCursor };
    this.#store.update(withListed, listed.filters, this.#taken(page), false);
  }

  // Actions

  /**
   * Run an action while answers about its products, which may be older, are not taken in.
   *
   * @template Result
   * @param {readonly string[]} ids of products
   * @param {() => Promise<Result>} action
   * @returns {Promise<Result>}
   */
  async during(ids, action) {
    for (const id of ids) this.#busy.set(id, (this.#busy.get(id) ?? 0) + 1);
    try {
      return await action();
    } finally {
      for (const id of ids) {
        const left = (this.#busy.get(id) ?? 1) - 1;
        if (left) this.#busy.set(id, left);
        else this.#busy.delete(id);
      }
    }
  }

  /**
   * Return the reason of a failure in a sentence.
   *
   * @param {unknown} error
   */
  reasonOf(error) {
    return error instanceof ApiError ? error.message : this.#t("error.unreachable");
  }
}

/**
 * Fetch pages until they have so many items, or there is no other one.
 *
 * @template Item
 * @param {number} least number of items
 * @param {(cursor: string | null, limit: number) => Promise<import("./types.js").Page<Item>>} fetchPage
 * @returns {Promise<import("./types.js").Page<Item>>} all of them as one page
 */
async function pagesOf(least, fetchPage) {
  /** @type {Item[]} */
  const items = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    const page = await fetchPage(cursor, Math.min(MOST, least - items.length));
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && items.length < least);
  return { items, nextCursor: cursor };
}
