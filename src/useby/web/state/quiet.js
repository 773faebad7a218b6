/** @module Quiet hours as people see them: a week of days with the stretches that are quiet. */

/** @typedef {import("../types.js").QuietWindow} QuietWindow */

export const WEEKDAYS = /** @type {const} */ (["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
export const MINUTES = 24 * 60;

/**
 * Return the quiet stretches of each day of the week, in minutes from midnight. A window that is over
 * on the next day has a stretch on both.
 *
 * @param {readonly QuietWindow[]} windows
 * @returns {[number, number][][]}
 */
export function stretches(windows) {
  const week = WEEKDAYS.map(() => /** @type {[number, number][]} */ ([]));
  for (const { days, from, until } of windows) {
    const [start, end] = [minutes(from), minutes(until)];
    for (const day of days) {
      const index = WEEKDAYS.indexOf(day);
      week[index]?.push([start, end > start ? end : MINUTES]);
      if (end <= start && end > 0) week[(index + 1) % WEEKDAYS.length]?.push([0, end]);
    }
  }
  return week;
}

/**
 * Return the names of the days of the week, Monday first.
 *
 * @param {string} language
 * @param {"short" | "long"} weekday
 */
export function dayNames(language, weekday) {
  const format = new Intl.DateTimeFormat(language, { weekday, timeZone: "UTC" });
  return WEEKDAYS.map((_, index) => format.format(Date.UTC(2024, 0, 1 + index))); // began on a Monday
}

/** @param {string} time such as 22:00 */
function minutes(time) {
  const [hours = 0, rest = 0] = time.split(":").map(Number);
  return hours * 60 + rest;
}
