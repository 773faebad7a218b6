/**
 * The household whose stock the page shows, and what the person may do there. Pure.
 *
 * @module
 */

import { dayIn } from "../dates.js";
import { NO_GROUPS } from "./lots.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../types.js").Household} Household */
/** @typedef {import("../types.js").Role} Role */
/** @typedef {"use" | "change" | "policy" | "govern"} Deed */

/**
 * What each role may do beside seeing the stock: `use` is to consume, discard, open and undo; `change`
 * are all other changes of the stock; `policy` is the household's; `govern` is about the household itself.
 *
 * @type {Record<Role, readonly Deed[]>}
 */
export const MAY = {
  owner: ["use", "change", "policy", "govern"],
  editor: ["use", "change", "policy"],
  kiosk: ["use"],
  viewer: [],
};

/**
 * Return the person's role in the household that is shown; an own household has its owner.
 *
 * @param {State} state
 * @returns {Role}
 */
export const roleOf = ({ household }) => household?.role ?? "owner";

/**
 * @param {State} state
 * @param {Deed} deed
 */
export const may = (state, deed) => MAY[roleOf(state)].includes(deed);

/**
 * Return true if the person's role lets a movement be undone: a kiosk undoes what it did the same day.
 *
 * @param {State} state
 * @param {import("../types.js").Movement} movement
 */
export function mayUndo(state, { at, byUser }) {
  if (may(state, "change")) return true;
  return may(state, "use") && byUser === state.me?.id && dayIn(Date.parse(at), state.zone) === state.today;
}

/**
 * Return the zone in which what is the person's own is written: notifications, alerts, sign-ins. That of the stock is
 * `state.zone`.
 *
 * @param {State} state
 */
export const ownZone = ({ me, zone }) => me?.timeZone ?? zone;

/**
 * Return true if something is about the household that is shown.
 *
 * @param {State} state
 * @param {string | null | undefined} id of its household; none for the person's own
 */
export function isShown({ household, me }, id) {
  const shown = household?.id ?? me?.id;
  return !shown || (id || me?.id) === shown;
}

/**
 * Return the household to show of those that the person is a member of: the wanted one, or else the
 * person's own, or the one that the person joined first.
 *
 * @param {readonly Household[]} households
 * @param {string | undefined} wanted
 * @param {string | undefined} own
 */
export const chosenOf = (households, wanted, own) =>
  households.find(({ id }) => id === wanted) ?? households.find(({ id }) => id === own) ?? households[0] ?? null;

/**
 * Show the stock of another household, which is not loaded yet.
 *
 * @param {State} state
 * @param {Household | null} household null for the person's own, which is not known yet
 * @returns {State}
 */
export const withOther = (state, household) => ({
  ...withHousehold(state, household),
  due: NO_GROUPS,
  lots: new Map(),
  pending: new Map(),
  refused: null,
  products: new Map(),
  listed: { filters: {}, ids: [], cursor: null, loaded: false },
  message: null,
  importing: null,
  asOf: null,
});

/**
 * Count the days in the zone of the stock, in place of one that was taken until it was known. The node has counted
 * in the right one, so each lot has the days left that it had.
 *
 * @param {State} state
 * @param {string} zone
 * @returns {State}
 */
export function withZone(state, zone) {
  const today = dayIn(state.now, zone);
  const moved = today - state.today;
  if (!moved) return { ...state, zone };
  const lots = new Map(state.lots);
  for (const [id, lot] of lots) lots.set(id, { ...lot, countedOn: lot.countedOn + moved });
  return { ...state, zone, today, lots };
}

/**
 * Take in the household that is shown: its settings, and the person's role in it. Its zone is that of its stock; before
 * it is known, the days are counted in that of the person or of the browser.
 *
 * @param {State} state
 * @param {Household | null} household
 * @returns {State}
 */
export function withHousehold(state, household) {
  if (!household) return { ...state, household };
  const { timeZone: zone } = household;
  return state.household ? { ...state, household, zone } : { ...withZone(state, zone), household };
}
