/**
 * Changes of the lots that the page has loaded, and of the groups in which `Due` lists them.
 *
 * While a person acts in a list, the rows stay where they are: `held` keeps the groups as they were
 * shown, and the rows show that a lot is gone or changed.
 *
 * @module
 */

import { byDate, dayIn, endOf, URGENCIES, urgencyOf } from "../dates.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../types.js").Counts} Counts */
/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").Lot} Lot */
/** @typedef {import("../types.js").LotAction} LotAction */
/** @typedef {import("../types.js").Product} Product */
/** @typedef {import("../types.js").Urgency} Urgency */

/**
 * @typedef {object} Group lots of one urgency, as far as they are loaded
 * @property {readonly string[]} ids
 * @property {string | null} cursor of the next page, which may be the first one
 */

/** @typedef {Readonly<Record<Urgency, Group>>} Groups */

/**
 * @typedef {object} Due
 * @property {Counts | null} counts the node's
 * @property {Groups} groups
 * @property {Groups | null} held the groups as they are shown while a person acts in them
 */

/** @type {Group} */
const NO_GROUP = { ids: [], cursor: null };

/** @type {Due} */
export const NO_GROUPS = {
  counts: null,
  groups: {
    expired: NO_GROUP,
    today: NO_GROUP,
    next3Days: NO_GROUP,
    next7Days: NO_GROUP,
    later: NO_GROUP,
    never: NO_GROUP,
  },
  held: null,
};

/** State that a lot has after an action, until the node answers. */
/** @type {Partial<Record<LotAction, Partial<Lot>>>} */
const AFTER = {
  consume: { closedAs: "consumed" },
  discard: { closedAs: "discarded" },
  open: { state: "opened" },
  freeze: { state: "frozen" },
  thaw: { state: "thawed" },
};

/**
 * Return a lot as it is shown: with the action that the node has not answered yet.
 *
 * @param {KeptLot} lot
 * @param {LotAction | undefined} pending
 * @returns {KeptLot}
 */
export const asShown = (lot, pending) => (pending ? { ...lot, ...AFTER[pending] } : lot);

/**
 * Return the open lots of a product, as far as they are known.
 *
 * @param {State} state
 * @param {Product} product
 * @returns {KeptLot[]}
 */
export const openLots = (state, product) =>
  (product.lots ?? [])
    .map((lot) => state.lots.get(lot.id) ?? { ...lot, product, countedOn: state.today })
    .filter(({ closedAs }) => !closedAs);

/**
 * Return the groups in which lots are shown now.
 *
 * @param {State} state
 */
export const shownGroups = ({ due }) => due.held ?? due.groups;

/**
 * @param {State} state
 * @param {Counts} counts
 * @returns {State}
 */
export const withCounts = (state, counts) => ({ ...state, due: { ...state.due, counts } });

/**
 * Replace what was loaded by the first lots of all groups. A lot that should be among them and is not is gone.
 *
 * The cursor behind the last of them continues its own group, and begins each later one.
 *
 * @param {State} state
 * @param {Counts} counts the node's
 * @param {import("../types.js").Page<Omit<KeptLot, "countedOn">>} page
 * @returns {State}
 */
export function withFirst(state, counts, { items, nextCursor }) {
  const lots = new Map(state.lots);
  /** @type {Record<Urgency, string[]>} */
  const ids = { expired: [], today: [], next3Days: [], next7Days: [], later: [], never: [] };
  let last = 0;
  for (const each of items) {
    const lot = unchanged(state.lots.get(each.id), { ...each, countedOn: state.today });
    lots.set(lot.id, lot);
    const urgency = urgencyOf(lot, state.today);
    ids[urgency].push(lot.id);
    last = Math.max(last, URGENCIES.indexOf(urgency));
  }
  const listed = new Set(items.map(({ id }) => id));
  const end = nextCursor === null ? Infinity : Math.max(...items.map(endOf));
  for (const [id, lot] of lots) {
    if (!lot.closedAs && !listed.has(id) && endOf(lot) < end) lots.set(id, { ...lot, closedAs: "consumed" });
  }
  /** @param {Urgency} urgency */
  const cursorOf = (urgency) =>
    URGENCIES.indexOf(urgency) < last || counts[urgency] <= ids[urgency].length ? null : nextCursor;
  const groups = URGENCIES.map((urgency) => [urgency, { ids: ids[urgency], cursor: cursorOf(urgency) }]);
  return { ...state, lots, due: { ...state.due, counts, groups: Object.fromEntries(groups) } };
}

/**
 * Return a lot as it is kept if it has not changed, so that its row is not rendered again.
 *
 * @param {KeptLot | undefined} before
 * @param {KeptLot} lot
 */
const unchanged = (before, lot) => (before && JSON.stringify(before) === JSON.stringify(lot) ? before : lot);

/**
 * Add a page of a group.
 *
 * @param {State} state
 * @param {Urgency} urgency
 * @param {import("../types.js").Page<Omit<KeptLot, "countedOn">>} page
 * @returns {State}
 */
export function withPage(state, urgency, { items, nextCursor }) {
  const lots = new Map(state.lots);
  for (const each of items) lots.set(each.id, { ...each, countedOn: state.today });
  const ids = [...new Set([...state.due.groups[urgency].ids, ...items.map(({ id }) => id)])];
  const groups = { ...state.due.groups, [urgency]: { ids, cursor: nextCursor } };
  const { held } = state.due;
  // Rows that are added at the end move nothing.
  const shown = held && { ...held, [urgency]: { ...held[urgency], ids: [...new Set([...held[urgency].ids, ...ids])] } };
  return { ...state, lots, due: { ...state.due, groups, held: shown } };
}

/**
 * Replace what is known of a product and its lots.
 *
 * @param {State} state
 * @param {Product} product with its open lots, or with those closed last
 * @returns {State}
 */
export const withProduct = (state, product) => withProducts(state, [product]);

/**
 * Return true if a product has all of its open lots with it: the node publishes the first 50.
 *
 * @param {Product} product
 */
export const isWhole = ({ lots, lotCount }) =>
  lots !== undefined && lots.filter(({ closedAs }) => !closedAs).length >= lotCount;

/**
 * Replace what is known of products and their lots.
 *
 * @param {State} state
 * @param {readonly Product[]} items each with its open lots, or with those closed last
 * @returns {State}
 */
export function withProducts(state, items) {
  const lots = new Map(state.lots);
  const products = new Map(state.products);
  const open = new Set();
  for (const each of items) {
    const { id, name, category, unit, dateKind, lotCount } = each;
    products.set(id, state.due.held ? inPlace(state.products.get(id), each) : each);
    for (const lot of each.lots ?? []) {
      if (!lot.closedAs) open.add(lot.id);
      const product = { id, name, category, unit, dateKind, lotCount };
      lots.set(lot.id, unchanged(state.lots.get(lot.id), { ...lot, product, countedOn: state.today }));
    }
  }
  const whole = new Set(items.filter(isWhole).map(({ id }) => id));
  for (const [key, lot] of lots) {
    if (whole.has(lot.productId) && !open.has(key) && !lot.closedAs) lots.set(key, { ...lot, closedAs: "consumed" });
  }
  return regrouped({ ...state, lots, products }, open);
}

/**
 * Return a product whose lots have the places that they had before. One that is closed keeps its place, and one that is
 * new comes last.
 *
 * @param {Product | undefined} before
 * @param {Product} product
 * @returns {Product}
 */
function inPlace(before, product) {
  const { lots: rows = [] } = before ?? {};
  const { lots: present = [] } = product;
  const now = new Map(present.map((lot) => [lot.id, lot]));
  const placed = new Set(rows.map(({ id }) => id));
  const kept = rows.map((lot) => now.get(lot.id) ?? { ...lot, closedAs: lot.closedAs ?? "consumed" });
  return { ...product, lots: [...kept, ...present.filter(({ id }) => !placed.has(id))], present };
}

/**
 * Replace what is known of one lot, as an action has answered it.
 *
 * @param {State} state
 * @param {Lot} lot
 * @param {KeptLot["product"]} product
 * @returns {State}
 */
export function withLot(state, lot, product) {
  const lots = new Map(state.lots).set(lot.id, { ...lot, product, countedOn: state.today });
  const of = state.products.get(lot.productId);
  const products = of?.lots?.some(({ id }) => id === lot.id)
    ? new Map(state.products).set(of.id, { ...of, lots: of.lots.map((each) => (each.id === lot.id ? lot : each)) })
    : state.products;
  return regrouped({ ...state, lots, products }, new Set([lot.id]));
}

/**
 * Change fields of a product, before the node has answered.
 *
 * @param {State} state
 * @param {string} id
 * @param {Partial<Product>} fields
 * @returns {State}
 */
export function withEdited(state, id, fields) {
  const before = state.products.get(id);
  if (!before) return state;
  const edited = { ...before, ...fields };
  const { name, category, unit, dateKind, lotCount } = edited;
  const product = { id, name, category, unit, dateKind, lotCount };
  const lots = new Map(state.lots);
  for (const [key, lot] of lots) if (lot.productId === id) lots.set(key, { ...lot, product });
  return { ...state, lots, products: new Map(state.products).set(id, edited) };
}

/**
 * Remove a product that was deleted.
 *
 * @param {State} state
 * @param {string} id
 * @returns {State}
 */
export function withoutProduct(state, id) {
  const lots = new Map(state.lots);
  for (const [key, lot] of lots) {
    if (lot.productId === id) lots.set(key, { ...lot, closedAs: lot.closedAs ?? "discarded" });
  }
  const products = new Map(state.products);
  products.delete(id);
  /** @param {readonly string[]} ids */
  const others = (ids) => ids.filter((each) => each !== id);
  const { ids, present } = state.listed;
  const listed = { ...state.listed, ids: others(ids), present: present && others(present) };
  return regrouped({ ...state, lots, products, listed }, new Set());
}

/**
 * Count the days again, at a later moment.
 *
 * @param {State} state
 * @param {number} now
 * @returns {State}
 */
export function withNow(state, now) {
  const today = dayIn(now, state.zone);
  if (today === state.today) return { ...state, now };
  return regrouped({ ...state, now, today }, new Set());
}

/**
 * Sort the loaded lots into their groups.
 *
 * @param {State} state
 * @param {ReadonlySet<string>} arrived ids of lots that may not be in a group yet
 * @returns {State}
 */
function regrouped(state, arrived) {
  const { groups } = state.due;
  const known = new Set(arrived);
  for (const urgency of URGENCIES) for (const id of groups[urgency].ids) known.add(id);
  /** @type {Record<Urgency, KeptLot[]>} */
  const sorted = { expired: [], today: [], next3Days: [], next7Days: [], later: [], never: [] };
  for (const id of known) {
    const lot = state.lots.get(id);
    if (lot && !lot.closedAs) sorted[urgencyOf(lot, state.today)].push(lot);
  }
  /** @type {Record<string, Group>} */
  const next = {};
  for (const urgency of URGENCIES) {
    const group = groups[urgency];
    const lots = sorted[urgency].sort(byDate);
    // A lot behind the last one loaded comes with the next page.
    const last = lots.findLastIndex(({ id }) => group.ids.includes(id));
    const within = group.cursor === null ? lots : lots.slice(0, last + 1);
    next[urgency] = { ...group, ids: same(group.ids, within.map(({ id }) => id)) };
  }
  return { ...state, due: { ...state.due, groups: /** @type {Groups} */ (next) } };
}

/**
 * Return the first list if the second is equal, so that its rows need not be compared.
 *
 * @param {readonly string[]} before
 * @param {readonly string[]} after
 */
const same = (before, after) =>
  before.length === after.length && before.every((id, index) => id === after[index]) ? before : after;

/**
 * Keep all rows where they are, until `released`.
 *
 * @param {State} state
 * @returns {State}
 */
export const held = (state) =>
  state.due.held ? state : { ...state, due: { ...state.due, held: state.due.groups } };

/**
 * Show the rows in their present order.
 *
 * @param {State} state
 * @returns {State}
 */
export function released(state) {
  if (!state.due.held) return state;
  const products = new Map(state.products);
  for (const [id, product] of products) {
    const { present } = product;
    if (present) products.set(id, { ...product, lots: present, present: undefined });
  }
  const { present, ...listed } = state.listed;
  return { ...state, products, listed: present ? { ...listed, ids: present } : listed, due: { ...state.due, held: null } };
}

/**
 * Return the number of lots that are loaded and wait to be shown.
 *
 * @param {State} state
 */
export function waiting({ due }) {
  if (!due.held) return 0;
  let count = 0;
  const shown = new Set(URGENCIES.flatMap((urgency) => due.held?.[urgency].ids ?? []));
  for (const urgency of URGENCIES) for (const id of due.groups[urgency].ids) if (!shown.has(id)) count += 1;
  return count;
}

/**
 * Show an action on lots at once.
 *
 * @param {State} state
 * @param {readonly string[]} ids
 * @param {LotAction} action
 * @returns {State}
 */
export function withPending(state, ids, action) {
  const pending = new Map(state.pending);
  for (const id of ids) pending.set(id, action);
  return { ...state, pending, refused: null };
}

/**
 * Show lots as the node has them: the action is answered.
 *
 * @param {State} state
 * @param {readonly string[]} ids
 * @param {boolean} refused
 * @returns {State}
 */
export function withoutPending(state, ids, refused) {
  const pending = new Map(state.pending);
  for (const id of ids) pending.delete(id);
  return { ...state, pending, refused: refused ? (ids[0] ?? null) : state.refused };
}
