/**
 * The last known state, as it is kept on this device. Pure.
 *
 * @module
 */

import { inboxReleased } from "../state/inbox.js";
import { released, withNow } from "../state/lots.js";
import { withFoundHere } from "./search.js";

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
export function snapshotOf(state, signIn, at) {
  const { me, zone, households, household, due, lots, products, listed, inbox, unread } = inboxReleased(released(state));
  const kept = { me, zone, households, household, due, lots, products, listed, inbox, unread };
  return { signIn, at, state: kept };
}

/**
 * Show a kept state with its age; nothing replaces what the node has answered since.
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
  const before = { ...state, ...kept, me, households: households ?? [], household: shown, inbox, unread, asOf: at, error: "" };
  // A search may have begun since the page was opened; it has no answer yet.
  const { filters } = state.listed;
  return withNow(state.listed.loaded ? withFoundHere({ ...before, listed: { ...kept.listed, filters } }, filters) : before, now);
}
