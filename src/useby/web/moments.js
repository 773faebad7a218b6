/**
 * Moments of a zone's clocks, which may be another zone than that of this device. Pure.
 *
 * @module
 */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/**
 * Return the moment at which the clocks of a zone show a time of a day.
 *
 * A time that is skipped, as summer time begins, is one hour later; of a time that comes twice it is
 * either.
 *
 * @param {number} day in days since 1970-01-01
 * @param {string} time `HH:MM`
 * @param {string} zone
 * @returns {number} milliseconds since 1970
 */
export function momentOn(day, time, zone) {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  const wanted = day * DAY_MS + (hours * 60 + minutes) * MINUTE_MS;
  const near = wanted - offsetAt(wanted, zone);
  const found = wanted - offsetAt(near, zone);
  return found + offsetAt(found, zone) === wanted ? found : Math.max(near, found);
}

/**
 * Write a moment as the clocks of a zone show it, in the form of a field of a date and time.
 *
 * @param {number} moment milliseconds since 1970
 * @param {string} zone
 * @returns {string} `YYYY-MM-DDTHH:MM`
 */
export const clockOf = (moment, zone) => new Date(moment + offsetAt(moment, zone)).toISOString().slice(0, 16);

/**
 * Return the milliseconds that clocks of a zone are ahead of UTC.
 *
 * @param {number} moment milliseconds since 1970
 * @param {string} zone
 */
function offsetAt(moment, zone) {
  const format = new Intl.DateTimeFormat("en-u-ca-iso8601", {
    ...{ timeZone: zone, hourCycle: "h23" },
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  });
  /** @type {Record<string, string>} */
  const parts = {};
  for (const { type, value } of format.formatToParts(moment)) parts[type] = value;
  const shown = Date.parse(`${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}Z`);
  return shown - Math.floor(moment / 1000) * 1000;
}
