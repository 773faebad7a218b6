/**
 * What has happened to a product, and what an undo of it takes back. Pure.
 *
 * @module
 */

import { dayOf } from "../dates.js";

/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").Movement} Movement */

/** Kinds of movements after which a lot is in the state of that name. */
const STATES = /** @type {const} */ (["opened", "frozen", "thawed"]);

/** @param {Movement} movement that changes the state of its lot */
const stateAfter = ({ kind }) => STATES.find((state) => state === kind);

/**
 * Return the ids of the movements that are undone.
 *
 * @param {readonly Movement[]} movements
 * @param {readonly import("../offline/waiting.js").Waiting[]} waiting changes on this device; an undo may be one
 * @returns {Set<string | null>}
 */
export function undoneIds(movements, waiting) {
  const undos = waiting.filter(({ kind, conflict }) => kind === "undo" && !conflict);
  return new Set([...movements.map(({ undoes }) => undoes), ...undos.map(({ subject }) => subject)]);
}

/**
 * Return true if no later movement of the lot stands on this one.
 *
 * @param {Movement} movement
 * @param {readonly Movement[]} movements newest first
 * @param {ReadonlySet<string | null>} undone
 */
export function canUndo(movement, movements, undone) {
  const { id, kind, lotId } = movement;
  if (kind === "undone" || kind === "received" || kind === "split" || undone.has(id)) return false;
  const later = movements.slice(0, movements.indexOf(movement));
  return later.every((each) => each.lotId !== lotId || each.kind === "undone" || undone.has(each.id));
}

/**
 * Return a lot as it was before its last movement, to show it so while an undo waits on this device. A sealed lot has
 * the date of its package; any other date is the node's, and comes with the answer.
 *
 * @param {KeptLot | undefined} lot
 * @param {Movement} movement
 * @param {readonly Movement[]} movements newest first
 * @param {ReadonlySet<string | null>} undone
 * @returns {KeptLot[]} empty if this is not certain
 */
export function lotBefore(lot, movement, movements, undone) {
  if (!lot) return [];
  const { kind, quantity } = movement;
  if (kind === "consumed" || kind === "discarded") {
    // A closed lot has the quantity that it had before.
    return [lot.closedAs ? { ...lot, closedAs: null } : { ...lot, quantity: sumOf(lot.quantity, quantity) }];
  }
  if (!stateAfter(movement)) return [];
  const earlier = movements
    .slice(movements.indexOf(movement) + 1)
    .filter(({ id, lotId }) => lotId === lot.id && !undone.has(id));
  // A part that was split off goes back to its lot.
  if (!earlier.some((each) => each.kind === "received")) return [];
  const state = earlier.map(stateAfter).find(Boolean) ?? "sealed";
  if (state === "sealed" && lot.printedDate !== null) return [withPrintedDate({ ...lot, state })];
  return lot.expiryDate === null ? [] : [{ ...lot, state }]; // a frozen lot has a date again
}

/**
 * Return a lot with the date of its package.
 *
 * @param {KeptLot} lot which has one
 * @returns {KeptLot}
 */
function withPrintedDate(lot) {
  const daysLeft = dayOf(lot.printedDate ?? "") - lot.countedOn;
  return { ...lot, expiryDate: lot.printedDate, daysLeft, status: daysLeft < 0 ? "expired" : "fresh" };
}

/**
 * Add two quantities, which are written with a point and without an exponent.
 *
 * @param {string} left
 * @param {string} right
 */
function sumOf(left, right) {
  const places = Math.max(...[left, right].map((each) => (each.split(".")[1] ?? "").length));
  return String(Number((Number(left) + Number(right)).toFixed(places)));
}
