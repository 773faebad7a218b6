/**
 * The stock of one household: loads it, keeps it up to date, and acts on it.
 *
 * An action shows at once. If the node refuses it, the lot is shown as before with the reason.
 *
 * @module
 */

import { ApiError, PAGE_SIZE } from "./api.js";
import { Queued } from "./changes.js";
import { URGENCIES } from "./dates.js";
import { withFields, withListed, withMessage } from "./state.js";
import { withCounts, withFirst, withLot, withNow, withPage, withPending, withoutPending, withoutProduct, withProduct } from "./state/lots.js";
import { Turns } from "./turns.js";

/** @typedef {import("./types.js").KeptLot} KeptLot */
/** @typedef {import("./types.js").Lot} Lot */
/** @typedef {import("./types.js").LotAction} LotAction */
/** @typedef {import("./types.js").Movement} Movement */
/** @typedef {import("./types.js").Product} Product */
/** @typedef {import("./types.js").Urgency} Urgency */
/** @typedef {Pick<import("./state.js").Store, "state" | "update">} Store */
/** @typedef {{quantity?: string, at?: string, location?: string, reason?: string}} Details */

/** Number of changed products from which all is loaded again in place of each one. */
const MANY = 20;

/** Number of lots of the first request: more than a screen shows. Each takes 37 elements. */
const FIRST_LOTS = 30;
/** Maximum number of lots of a request. */
const MOST_LOTS = 500;

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
  /** @type {(() => Promise<void>) | null} */
  #undo = null;

  /**
   * @param {Store} store
   * @param {import("./api.js").Api} api within the household
   * @param {import("./text.js").Translate} t
   */
  constructor(store, api, t) {
    this.#store = store;
    this.#api = api;
    this.#t = t;
  }

  // Loading

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
    const limit = Math.min(MOST_LOTS, Math.max(FIRST_LOTS, shown)); // a list that was scrolled stays as long
    const [counts, page] = await Promise.all([this.#api.counts(), this.#api.lots({ limit })]);
    this.#store.update(withFirst, counts, page);
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
      this.#store.update(withPage, urgency, await this.#api.lots({ urgency, cursor, limit: PAGE_SIZE }));
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
   * Search products.
   *
   * @param {Record<string, string>} filters
   */
  async search(filters) {
    this.#store.update(withFields, { listed: { ...this.#store.state.listed, filters } });
    this.#store.update(withListed, filters, await this.#api.products(filters, null), true);
  }

  /** Load the next page of the products that were found. */
  async moreFound() {
    const { filters, cursor } = this.#store.state.listed;
    if (cursor === null) return;
    await this.#turns.run(`found ${cursor}`, async () => {
      this.#store.update(withListed, filters, await this.#api.products(filters, cursor), false);
    });
  }

  /** @param {string} id */
  async loadProduct(id) {
    this.#store.update(withProduct, await this.#api.product(id));
  }

  // Changes by others

  /**
   * Fetch a product that has changed.
   *
   * @param {string} id
   */
  changed(id) {
    if (!id) return Promise.resolve(); // what waits on this device has none yet
    this.#changed.add(id);
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
      if (ids.length > MANY) return this.load();
      await Promise.all(ids.map((id) => this.#fetch(id)));
      await this.#count();
      await this.#listAgain(ids);
    });
  }

  /** @param {string} id */
  async #fetch(id) {
    try {
      const product = await this.#api.product(id);
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
    this.#store.update(withListed, listed.filters, { items: first.items, nextCursor: cursor ?? first.nextCursor }, false);
  }

  // Actions

  /**
   * Act on a lot.
   *
   * @param {KeptLot} lot
   * @param {LotAction} action
   * @param {Details} [details] a part, a time, a place or a reason
   */
  async act(lot, action, details = {}) {
    const { name } = lot.product;
    const isAll = !details.quantity || details.quantity === lot.quantity;
    const shown = isAll && action !== "move" ? [lot.id] : [];
    /** @type {Promise<Movement[]>} */
    const done = this.#during([lot.productId], async () => {
      const { quantity, ...rest } = details;
      const answer = await this.#api.act(lot.id, action, isAll ? rest : { ...rest, quantity });
      this.#store.update(withLot, answer, lot.product);
      if (answer.part) this.#store.update(withLot, answer.part, lot.product);
      return answer.movements.slice(-1);
    });
    this.#store.update(withPending, shown, action);
    const place = details.location ?? "";
    if (!(await this.#confirm(name, this.#t(`done.${action}`, { name, place }), done, shown))) return;
    this.#changed.add(lot.productId);
    await this.refresh();
  }

  /**
   * Take all of several products.
   *
   * @param {readonly Product[]} products
   * @param {"consume" | "discard"} action
   */
  async takeAll(products, action) {
    const text = this.#t(`done.many.${action}`, { n: products.length });
    await this.#each(products, text, ({ id }) => [async () => (await this.#api.takeAll(id, action)).movements]);
  }

  /**
   * Move all lots of several products.
   *
   * @param {readonly Product[]} products
   * @param {string} location
   */
  async moveAll(products, location) {
    const text = this.#t("done.many.move", { n: products.length });
    await this.#each(products, text, ({ lots = [] }) =>
      lots
        .filter(({ closedAs }) => !closedAs)
        .map(({ id }) => async () => (await this.#api.act(id, "move", { location })).movements.slice(-1)),
    );
  }

  /** @param {readonly Product[]} products */
  async deleteAll(products) {
    for (const { id } of products) {
      await this.#api.deleteProduct(id);
      this.#store.update(withoutProduct, id);
    }
    this.#store.update(withMessage, this.#t("done.many.delete", { n: products.length }));
    await this.refresh();
  }

  /**
   * @param {readonly Product[]} products
   * @param {string} text
   * @param {(product: Product) => (() => Promise<Movement[]>)[]} actionsOf
   */
  async #each(products, text, actionsOf) {
    const ids = products.flatMap(({ lots = [] }) => lots.filter(({ closedAs }) => !closedAs).map(({ id }) => id));
    const done = this.#during(products.map(({ id }) => id), async () => {
      /** @type {Movement[]} */
      const movements = [];
      /** @type {Queued[]} */
      const queued = [];
      for (const act of products.flatMap(actionsOf)) {
        const done = await act().catch((error) => {
          if (!(error instanceof Queued)) throw error;
          queued.push(error);
          return [];
        });
        movements.push(...done);
      }
      if (queued.length) throw new Queued(() => this.#undoAll(movements, queued));
      return movements;
    });
    if (!(await this.#confirm(products[0]?.name ?? "", text, done, ids))) return;
    for (const { id } of products) this.#changed.add(id);
    await this.refresh();
  }

  /**
   * Run an action while answers about its products, which may be older, are not taken in.
   *
   * @template Result
   * @param {readonly string[]} ids of products
   * @param {() => Promise<Result>} action
   * @returns {Promise<Result>}
   */
  async #during(ids, action) {
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
   * Confirm an action with a message that can undo it, or show that it was refused.
   *
   * @param {string} name of the product
   * @param {string} text
   * @param {Promise<readonly Movement[]>} done
   * @param {readonly string[]} shown ids of lots that show it already
   * @returns {Promise<boolean>} true if the node has answered it, and false if it waits on this device
   */
  async #confirm(name, text, done, shown) {
    this.#undo = async () => {
      const movements = await done.catch((error) => {
        if (error instanceof Queued) return error.undo().then(() => []);
        throw error;
      });
      await this.#undoAll(movements, []);
    };
    this.#store.update(withMessage, text, { undoable: true });
    try {
      await done;
      this.#store.update(withoutPending, shown, false);
      return true;
    } catch (error) {
      if (error instanceof Queued) return false; // the lots show it until it is sent
      this.#undo = null;
      this.#store.update(withoutPending, shown, true);
      this.#store.update(withMessage, this.#t("refused", { name, reason: this.reasonOf(error) }), { failed: true });
      return true;
    }
  }

  /**
   * @param {readonly Movement[]} movements
   * @param {readonly Queued[]} queued
   */
  async #undoAll(movements, queued) {
    for (const each of [...queued].reverse()) await each.undo();
    for (const { id } of [...movements].reverse()) await this.undoMovement(id);
  }

  /** Undo the last action. */
  async undo() {
    const undo = this.#undo;
    if (!undo) return;
    this.#undo = null;
    try {
      await undo();
    } catch (error) {
      if (!(error instanceof Queued)) return this.#store.update(withMessage, this.reasonOf(error), { failed: true });
    }
    // A later action has its own message by now, with its own undo.
    if (!this.#undo) this.#store.update(withMessage, this.#t("done.undone"));
  }

  /**
   * Undo a movement.
   *
   * @param {string} id
   * @throws {Queued} the undo waits on this device
   */
  async undoMovement(id) {
    const product = await this.#api.undo(id);
    for (const lot of product.lots ?? []) this.#store.update(withLot, lot, product);
    this.#changed.add(product.id);
    await this.refresh();
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
 * Return true if a product has all of its open lots with it: the node publishes the first 50.
 *
 * @param {Product} product
 */
const isWhole = ({ lots, lotCount }) => lots !== undefined && lots.filter(({ closedAs }) => !closedAs).length >= lotCount;
