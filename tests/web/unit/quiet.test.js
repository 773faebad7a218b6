/** Quiet hours as a week. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { dayNames, stretches } from "../../../src/useby/web/state/quiet.js";

test("a window over midnight is a stretch on two days, also from Sunday to Monday", () => {
  const week = stretches([{ days: ["mon", "sun"], from: "22:00", until: "07:00" }]);
  assert.deepEqual(week, [[[1320, 1440], [0, 420]], [[0, 420]], [], [], [], [], [[1320, 1440]]]);
});

test("a window within a day, one until midnight and one of a whole day are stretches of one day", () => {
  assert.deepEqual(stretches([{ days: ["tue"], from: "09:30", until: "17:00" }])[1], [[570, 1020]]);
  assert.deepEqual(stretches([{ days: ["tue"], from: "22:00", until: "00:00" }]).flat(), [[1320, 1440]]);
  assert.deepEqual(stretches([{ days: ["sat"], from: "00:00", until: "00:00" }]).flat(), [[0, 1440]]);
});

test("the days have the names of the language, Monday first", () => {
  assert.equal(dayNames("en", "long")[0], "Monday");
  assert.equal(dayNames("de", "short")[6], "So");
});
