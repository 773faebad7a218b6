/** @module Dates that are typed while the node, which reads all other ways of writing one, is not reached. Pure. */

import { dayOf, isoDay } from "../dates.js";

/**
 * Return the day that a text means: `2027-03-04`, `4.3.2027`, `04.03.27` or `+3`.
 *
 * @param {string} text
 * @param {number} today in days since 1970-01-01
 * @returns {number | null} null if it is written in another way, or is no day of the calendar
 */
export function dayFrom(text, today) {
  const [, more] = /^\s*\+(\d{1,4})\s*$/.exec(text) ?? [];
  if (more) return today + Number(more);
  const [, year, month, day] = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(text) ?? [];
  if (year) return dayWith(year, month, day);
  const [, first, second, last = ""] = /^\s*(\d{1,2})\.\s*(\d{1,2})\.\s*(\d{4}|\d{2})\s*$/.exec(text) ?? [];
  return first ? dayWith(last.length === 2 ? `20${last}` : last, second, first) : null;
}

/**
 * @param {string} year
 * @param {string} [month]
 * @param {string} [day]
 */
function dayWith(year, month = "", day = "") {
  const text = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const found = dayOf(text);
  return !Number.isNaN(found) && isoDay(found) === text ? found : null;
}
