/** Numbers of what was used and thrown away, as charts need them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { dayOf } from "../../../src/useby/web/dates.js";
import { monthsUntil, totalOf } from "../../../src/useby/web/numbers.js";

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

test("a share of all groups needs five lots, and money needs a price", () => {
  assert.deepEqual(totalOf([group(3, 1)]), { used: 3, thrown: 1, afterAlert: 1, lost: null, share: null });
  const total = totalOf([group(3, 1, "2.50"), group(1, 0, "0.25")]);
  assert.deepEqual(total, { used: 4, thrown: 1, afterAlert: 2, lost: 2.75, share: 0.2 });
});
