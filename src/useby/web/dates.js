/**
 * Calendar days and how they are written. Pure: the present moment is an argument.
 *
 * A day is counted in days since 1970-01-01, so that two days can be subtracted.
 *
 * @module
 */

/** @typedef {import("./types.js").KeptLot} KeptLot */
/** @typedef {import("./types.js").Urgency} Urgency */

const DAY_MS = 86_400_000;

/** @type {readonly Urgency[]} */
export const URGENCIES = ["expired", "today", "next3Days", "next7Days", "later", "never"];

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * Return a format; creating one takes longer than a thousand uses.
 *
 * @param {string} language
 * @param {Intl.DateTimeFormatOptions} options
 */
function formatOf(language, options) {
  const key = `${language} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.DateTimeFormat(language, options)));
  return format;
}

/**
 * Return the number of the calendar day of a moment.
 *
 * @param {number} now milliseconds since 1970
 * @param {string} zone
 */
export function dayIn(now, zone) {
  /** @type {Record<string, string>} */
  const parts = {};
  const format = formatOf("en-u-ca-iso8601", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
  for (const { type, value } of format.formatToParts(now)) parts[type] = value;
  return dayOf(`${parts.year}-${parts.month}-${parts.day}`);
}

/**
 * Return the number of a day written `YYYY-MM-DD`.
 *
 * @param {string} text
 */
export const dayOf = (text) => Math.round(Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / DAY_MS);

/**
 * Write a day as `YYYY-MM-DD`.
 *
 * @param {number} day
 */
export const isoDay = (day) => new Date(day * DAY_MS).toISOString().slice(0, 10);

/**
 * Return the last day of a day's month.
 *
 * @param {number} day
 */
export function endOfMonth(day) {
  const date = new Date(day * DAY_MS);
  return Math.round(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0) / DAY_MS);
}

/**
 * Return the milliseconds until the next local midnight, rounded up to a minute past it at most.
 *
 * @param {number} now
 * @param {string} zone
 */
export function untilMidnight(now, zone) {
  const day = dayIn(now, zone);
  let [low, high] = [0, 26 * 3_600_000]; // a day has 23 to 25 hours, in some zones 24.5
  while (high - low > 100) {
    const middle = (low + high) / 2;
    if (dayIn(now + middle, zone) > day) high = middle;
    else low = middle;
  }
  return Math.ceil(high);
}

/**
 * Return a lot's days left, as they are on a later day than that on which the node counted them.
 *
 * @param {KeptLot} lot
 * @param {number} today
 */
export const daysLeft = (lot, today) => (lot.daysLeft === null ? null : lot.daysLeft - (today - lot.countedOn));

/**
 * Return the group in which a lot is listed.
 *
 * @param {KeptLot} lot
 * @param {number} today
 * @returns {Urgency}
 */
export function urgencyOf(lot, today) {
  const days = daysLeft(lot, today);
  if (lot.expiryDate === null || days === null) return "never";
  if (lot.status === "expired" || days < 0) return "expired";
  if (days === 0) return "today";
  if (days <= 3) return "next3Days";
  return days <= 7 ? "next7Days" : "later";
}

const TAKEN_FIRST = ["opened", "thawed", "sealed", "frozen"];

/**
 * Order lots by date, then as they are taken; those without a date come last.
 *
 * @param {KeptLot} left
 * @param {KeptLot} right
 */
export function byDate(left, right) {
  const ends = endOf(left) - endOf(right);
  if (ends) return ends;
  const states = TAKEN_FIRST.indexOf(left.state) - TAKEN_FIRST.indexOf(right.state);
  if (states) return states;
  return left.receivedOn.localeCompare(right.receivedOn) || left.id.localeCompare(right.id);
}

/**
 * Return the moment at which a lot's date has passed, as a number by which lots are ordered.
 *
 * @param {Pick<KeptLot, "expiryDate">} lot
 */
export function endOf({ expiryDate }) {
  if (expiryDate === null) return Number.MAX_SAFE_INTEGER;
  // Good through its day, as the offset of an instant's text states local time, too.
  return expiryDate.includes("T") ? Date.parse(`${expiryDate.slice(0, 19)}Z`) : (dayOf(expiryDate) + 1) * DAY_MS;
}

/**
 * Write a day in full: "Tue, 31 March 2026".
 *
 * @param {string} expiry a day, or a date-time with its offset
 * @param {string} language
 * @param {string} zone
 */
export function longDate(expiry, language, zone) {
  const exact = expiry.includes("T");
  const moment = exact ? Date.parse(expiry) : dayOf(expiry) * DAY_MS;
  /** @type {Record<string, string>} */
  const parts = {};
  const format = formatOf(language, {
    weekday: "short",
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: exact ? zone : "UTC",
  });
  for (const { type, value } of format.formatToParts(moment)) parts[type] = value;
  const dot = language.startsWith("de") ? "." : "";
  const day = `${parts.weekday}, ${parts.day}${dot} ${parts.month} ${parts.year}`;
  return exact ? `${day}, ${timeOf(moment, language, zone)}` : day;
}

/**
 * Write a day in short: "31 Mar", with its year if that is not the present one.
 *
 * @param {string} expiry a day, or a date-time with its offset
 * @param {string} language
 * @param {string} zone
 * @param {number} today
 */
export function shortDate(expiry, language, zone, today) {
  const exact = expiry.includes("T");
  const moment = exact ? Date.parse(expiry) : dayOf(expiry) * DAY_MS;
  const isThisYear = expiry.slice(0, 4) === isoDay(today).slice(0, 4);
  const day = formatOf(language === "en" ? "en-GB" : language, {
    day: "numeric",
    month: "short",
    timeZone: exact ? zone : "UTC",
    ...(isThisYear ? {} : { year: "numeric" }),
  }).format(moment);
  return exact ? `${day}, ${timeOf(moment, language, zone)}` : day;
}

/**
 * @param {number} moment
 * @param {string} language
 * @param {string} zone
 */
const timeOf = (moment, language, zone) =>
  formatOf(language === "en" ? "en-GB" : language, { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(moment);

/**
 * Write a moment that has passed: "14:05 today", "14:05 yesterday", "14:05, 4 Mar".
 *
 * @param {number} moment
 * @param {number} today
 * @param {string} language
 * @param {string} zone
 */
export function momentOf(moment, today, language, zone) {
  const time = timeOf(moment, language, zone);
  const day = dayIn(moment, zone);
  if (today - day > 1) return `${time}, ${shortDate(isoDay(day), language, zone, today)}`;
  return `${time} ${relativeDays(day - today, language)}`;
}

/**
 * Write a moment: "4 Mar 2026, 10:30".
 *
 * @param {string} text date-time with offset
 * @param {string} language
 * @param {string} zone
 */
export const dateTime = (text, language, zone) =>
  formatOf(language === "en" ? "en-GB" : language, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: zone,
  }).format(Date.parse(text));

/**
 * Write a number of days from today: "tomorrow", "in 4 days".
 *
 * @param {number} days
 * @param {string} language
 */
export function relativeDays(days, language) {
  let format = relative.get(language);
  if (!format) relative.set(language, (format = new Intl.RelativeTimeFormat(language, { numeric: "auto" })));
  return format.format(days, "day");
}

/** @type {Map<string, Intl.RelativeTimeFormat>} */
const relative = new Map();
