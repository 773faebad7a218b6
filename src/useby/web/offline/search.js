/**
 * Products without the node: those that are kept on this device, and the search among them. Pure.
 *
 * @module
 */

import { byDate, endOf } from "../dates.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").Product} Product */

const ACCENTS = /[\u0300-\u036f]/g;

/**
 * Return a text without case and accents.
 *
 * @param {string} text
 */
const fold = (text) => text.toLowerCase().replaceAll("ß", "ss").normalize("NFD").replace(ACCENTS, "");

/**
 * Return what the lots of a product show of it.
 *
 * @param {readonly [KeptLot, ...KeptLot[]]} lots of the product, the first one to be taken first
 * @returns {Product}
 */
function sketchOf([first, ...others]) {
  const { product, quantity, location, expiryDate, status, daysLeft } = first;
  const ofLot = { quantity, location, expiryDate, status, daysLeft, closedAs: first.closedAs };
  const rules = { minimumStock: null, shelfLife: null, afterOpening: null, afterFreezing: null, afterThawing: null };
  const lots = [first, ...others];
  return { ...product, ...ofLot, ...rules, barcode: "", barcodes: [], notes: "", externalId: null, lots, isSketch: true };
}

/**
 * Add sketches of the products of which only lots are kept, because `Due` has listed them.
 *
 * @param {State} state
 * @returns {State}
 */
export function withSketches(state) {
  /** @type {Map<string, [KeptLot, ...KeptLot[]]>} */
  const missing = new Map();
  for (const lot of [...state.lots.values()].sort(byDate)) {
    const known = state.products.get(lot.productId);
    if (lot.closedAs || (known && !known.isSketch)) continue;
    const lots = missing.get(lot.productId);
    if (lots) lots.push(lot);
    else missing.set(lot.productId, [lot]);
  }
  if (!missing.size) return state;
  const products = new Map(state.products);
  for (const [id, lots] of missing) products.set(id, sketchOf(lots));
  return { ...state, products };
}

/**
 * List the products that a search finds among those that are kept.
 *
 * @param {State} state
 * @param {Record<string, string>} filters the search; another one than the present is ignored
 * @returns {State}
 */
export function withFoundHere(state, filters) {
  if (filters !== state.listed.filters) return state;
  const shown = withSketches(state);
  const found = [...shown.products.values()].filter((product) => isFound(product, filters)).sort(orderOf(filters.sort));
  return { ...shown, listed: { filters, ids: found.map(({ id }) => id), cursor: null, loaded: true } };
}

/**
 * @param {Product} product
 * @param {Record<string, string>} filters
 */
function isFound(product, { q = "", status, category, location, dateKind }) {
  const { name, barcodes, notes, lots = [] } = product;
  const texts = [name, product.category, product.location, notes, ...barcodes].map(fold);
  const places = lots.filter(({ closedAs }) => !closedAs).map((lot) => fold(lot.location));
  return (
    texts.some((text) => text.includes(fold(q.trim()))) &&
    (!status || product.status === status) &&
    (!category || fold(product.category) === fold(category)) &&
    (!location || places.includes(fold(location))) &&
    (!dateKind || product.dateKind === dateKind)
  );
}

/**
 * Return how products are compared; the order of those of which nothing else is known is that of their names.
 *
 * @param {string | undefined} sort
 * @returns {(left: Product, right: Product) => number}
 */
function orderOf(sort = "expiryDate") {
  const sign = sort.startsWith("-") ? -1 : 1;
  return (left, right) => {
    const names = left.name.localeCompare(right.name);
    const dates = endOf(left) - endOf(right);
    if (sort.endsWith("expiryDate")) return sign * dates || names;
    return sort.endsWith("name") ? sign * names : names;
  };
}
