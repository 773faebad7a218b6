/**
 * Numbers of what was used and thrown away, as charts need them. Pure.
 *
 * The node counts; what is summed here are whole lots of its groups.
 *
 * @module
 */

import { isoDay } from "./dates.js";

/** @typedef {import("./types.js").StatsGroup} StatsGroup */

/** Number of months in the chart, with the present one. */
export const MONTHS = 12;
/** Number of lots under which there is no share; the node's groups have the same limit. */
const LEAST_LOTS = 5;

/**
 * Return the months up to that of a day, oldest first: `2026-03`.
 *
 * @param {number} today
 */
export function monthsUntil(today) {
  const date = new Date(`${isoDay(today).slice(0, 7)}-01T00:00:00Z`);
  return Array.from({ length: MONTHS }, (_, index) => {
    const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - MONTHS + 1 + index);
    return new Date(first).toISOString().slice(0, 7);
  });
}

/**
 * Sum groups of the node.
 *
 * @param {readonly StatsGroup[]} groups
 * @returns {{used: number, thrown: number, afterAlert: number, lost: number | null, share: number | null}}
 *   `lost` is the money thrown away, null if no price is known
 */
export function totalOf(groups) {
  const used = groups.reduce((sum, { taken }) => sum + taken.lots, 0);
  const thrown = groups.reduce((sum, { thrownAway }) => sum + thrownAway.lots, 0);
  const prices = groups.flatMap(({ thrownAway }) => thrownAway.money ?? []);
  return {
    used,
    thrown,
    afterAlert: groups.reduce((sum, { takenAfterAlert }) => sum + takenAfterAlert, 0),
    lost: prices.length ? prices.reduce((sum, each) => sum + Number(each), 0) : null,
    share: used + thrown < LEAST_LOTS ? null : thrown / (used + thrown),
  };
}

/**
 * Order groups by their closed lots, most first; groups of which nothing was closed are left out.
 *
 * @param {readonly StatsGroup[]} groups
 */
export const largestFirst = (groups) =>
  groups.filter((each) => closedOf(each) > 0).sort((left, right) => closedOf(right) - closedOf(left));

/** @param {StatsGroup} group */
export const closedOf = ({ taken, thrownAway }) => taken.lots + thrownAway.lots;
