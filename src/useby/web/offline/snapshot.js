/**
 * The last known state, as it is kept on this device. Pure.
 *
 * @module
 */

import { withNow } from "../state/lots.js";

/** @typedef {import("../state.js").State} State */

/**
 * @typedef {object} Snapshot
 * @property {string} signIn id of the sign-in that it belongs to; no other one may show it
 * @property {number} at moment at which it was the node's, in milliseconds
 * @property {Pick<State, "me" | "zone" | "due" | "lots" | "products" | "listed" | "inbox" | "unread">} state
 */

/**
 * Return what is kept of a state.
 *
 * @param {State} state
 * @param {string} signIn
 * @param {number} at
 * @returns {Snapshot}
 */
export function snapshotOf({ me, zone, due, lots, products, listed, inbox, unread }, signIn, at) {
  const kept = { me, zone, due: { ...due, held: null }, lots, products, listed, inbox, unread };
  return { signIn, at, state: kept };
}

/**
 * Show a kept state with its age; nothing replaces what the node has answered meanwhile.
 *
 * @param {State} state
 * @param {Snapshot} snapshot
 * @param {number} now
 * @returns {State}
 */
export function restored(state, { at, state: kept }, now) {
  if (!state.signedIn) return state;
  if (state.due.counts) {
    // The line may have been cut before the node has sent any notification.
    const { inbox } = state;
    return inbox.loaded || inbox.ids.length ? state : { ...state, inbox: kept.inbox };
  }
  return withNow({ ...state, ...kept, asOf: at, error: "" }, now);
}
