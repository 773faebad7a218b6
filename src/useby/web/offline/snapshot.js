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
 * @property {Pick<State, "me" | "zone" | "households" | "household" | "due" | "lots" | "products" | "listed" | "inbox" | "unread">} state
 */

/**
 * Return what is kept of a state.
 *
 * @param {State} state
 * @param {string} signIn
 * @param {number} at
 * @returns {Snapshot}
 */
export function snapshotOf({ me, zone, households, household, due, lots, products, listed, inbox, unread }, signIn, at) {
  const kept = { me, zone, households, household, due: { ...due, held: null }, lots, products, listed, inbox, unread };
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
  // The line may have been cut before the node has sent any notification.
  const inbox = state.inbox.loaded || state.inbox.ids.length ? state.inbox : kept.inbox;
  if (state.due.counts) return inbox === state.inbox ? state : { ...state, inbox };
  // The person may have chosen another household since the page was opened.
  const { me, households, household } = state.me ? state : kept;
  const shown = state.household ?? household ?? null;
  const unread = state.unread || kept.unread;
  return withNow({ ...state, ...kept, me, households: households ?? [], household: shown, inbox, unread, asOf: at, error: "" }, now);
}
