/** Numbers of what was used and thrown away, as charts need them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { dayOf, isoDay } from "../../../src/useby/web/dates.js";
import { byWeek, lastDay, mondayOf, monthsUntil, totalOf } from "../../../src/useby/web/numbers.js";

/**
 * @param {number} used
 * @param {number} thrown
 * @param {string | null} [money]
 */
const group = (used, thrown, money = null) => ({
  key: "",
  name: "",
  taken: { lots: used, quantities: {}, money: null },
  thrownAway: { lots: thrown, quantities: {}, money },
  shareThrownAway: null,
  averageDaysLeft: null,
  takenAfterAlert: 1,
});

test("twelve months end with the present one, over the turn of a year", () => {
  const months = monthsUntil(dayOf("2026-03-31"));
  assert.deepEqual([months.length, months[0], months[9], months[11]], [12, "2025-04", "2026-01", "2026-03"]);
});

test("a week begins on Monday", () => {
  for (const day of ["2026-03-02", "2026-03-04", "2026-03-08"]) {
    assert.equal(isoDay(mondayOf(dayOf(day))), "2026-03-02");
  }
  assert.equal(isoDay(mondayOf(dayOf("1969-12-31"))), "1969-12-29");
});

test("lots are counted by the week of their date; no date and later ones are left out", () => {
  const today = dayOf("2026-03-04");
  const dates = ["2026-03-04", "2026-03-08T10:00:00+01:00", "2026-03-09", "2026-04-26", "2026-04-27", null];
  const weeks = byWeek(dates.map((expiryDate) => ({ expiryDate })), today);
  assert.deepEqual(weeks.map(({ lots }) => lots), [2, 1, 0, 0, 0, 0, 0, 1]);
  assert.equal(isoDay(lastDay(today)), "2026-04-26");
});

test("a share of all groups needs five lots, and money needs a price", () => {
  assert.deepEqual(totalOf([group(3, 1)]), { used: 3, thrown: 1, afterAlert: 1, lost: null, share: null });
  const total = totalOf([group(3, 1, "2.50"), group(1, 0, "0.25")]);
  assert.deepEqual(total, { used: 4, thrown: 1, afterAlert: 2, lost: 2.75, share: 0.2 });
});
