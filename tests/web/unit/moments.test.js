/** Times that a person chooses, in the person's zone and not in that of the device; how long a message stays. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { dateTime, dayIn, dayOf, isoDay, longDate, momentOf } from "../../../src/useby/web/dates.js";
import { clockOf, momentOn } from "../../../src/useby/web/moments.js";
import { dayFrom } from "../../../src/useby/web/offline/typed_day.js";
import { choicesAt } from "../../../src/useby/web/parts/snooze.js";
import { timeLeft } from "../../../src/useby/web/parts/undo.js";

const TODAY = dayOf("2026-03-04");
const iso = (/** @type {number} */ moment) => new Date(moment).toISOString();

test("a time of a day is that of the zone's clocks", () => {
  assert.equal(iso(momentOn(TODAY, "08:00", "UTC")), "2026-03-04T08:00:00.000Z");
  assert.equal(iso(momentOn(TODAY, "08:00", "America/New_York")), "2026-03-04T13:00:00.000Z");
  assert.equal(iso(momentOn(TODAY, "08:00", "Pacific/Kiritimati")), "2026-03-03T18:00:00.000Z");
  assert.equal(clockOf(Date.parse("2026-03-04T13:00:00Z"), "America/New_York"), "2026-03-04T08:00");
});

test("a time that is skipped as summer time begins is an hour later", () => {
  for (const [day, zone] of /** @type {const} */ ([["2026-03-29", "Europe/Berlin"], ["2026-03-08", "America/New_York"]])) {
    assert.equal(clockOf(momentOn(dayOf(day), "02:30", zone), zone), `${day}T03:30`);
  }
});

test("every quarter of an hour of days with a change of clocks is found again, or is skipped", () => {
  for (const zone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]) {
    for (const day of ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"]) {
      const wrong = Array.from({ length: 96 }, (_, each) => {
        const time = `${String(Math.floor(each / 4)).padStart(2, "0")}:${String((each % 4) * 15).padStart(2, "0")}`;
        return clockOf(momentOn(dayOf(day), time, zone), zone) === `${day}T${time}` ? "" : time;
      }).filter(Boolean);
      assert.ok(wrong.length <= 4, `${zone} ${day} ${wrong}`);
    }
  }
});

test("a notification is snoozed to times of the person's zone, and the evening is offered until it has come", () => {
  const noon = Date.parse("2026-03-04T17:00:00Z"); // in New York
  assert.deepEqual(
    choicesAt(noon, TODAY, "America/New_York").map(([name, until]) => [name, iso(until)]),
    [
      ["inbox.hour", "2026-03-04T18:00:00.000Z"],
      ["inbox.evening", "2026-03-04T23:00:00.000Z"],
      ["inbox.tomorrow", "2026-03-05T13:00:00.000Z"],
    ],
  );
  const evening = Date.parse("2026-03-04T23:00:00Z");
  assert.deepEqual(choicesAt(evening, TODAY, "America/New_York")[1], ["inbox.evening", null]);
});

test("the zone of this device changes nothing of what is shown or chosen", () => {
  const moment = Date.parse("2026-03-04T23:30:00Z");
  const shown = () => [
    isoDay(dayIn(moment, "America/New_York")),
    dateTime("2026-03-04T23:30:00Z", "en", "America/New_York"),
    momentOf(moment, TODAY, "en", "America/New_York"),
    longDate("2026-03-04", "en", "America/New_York"),
    longDate("2026-03-04T23:30:00Z", "en", "America/New_York"),
    iso(momentOn(TODAY, "08:00", "America/New_York")),
    clockOf(moment, "America/New_York"),
  ];
  const own = process.env.TZ;
  for (const zone of ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"]) {
    process.env.TZ = zone;
    assert.deepEqual(
      shown(),
      [
        ...["2026-03-04", "4 Mar 2026, 18:30", "18:30 today", "Wed, 4 March 2026", "Wed, 4 March 2026, 18:30"],
        ...["2026-03-04T13:00:00.000Z", "2026-03-04T18:30"],
      ],
      zone,
    );
  }
  process.env.TZ = own ?? "UTC";
});

test("a message that had the pointer stays for the rest of its twelve seconds, and for four at least", () => {
  assert.equal(timeLeft(0, false), 12_000);
  assert.equal(timeLeft(1_000, true), 11_000);
  assert.equal(timeLeft(30_000, true), 4_000);
});

test("without the node, a day is read as a calendar or a person writes it, and nothing is guessed", () => {
  const read = (/** @type {string} */ text) => {
    const day = dayFrom(text, TODAY);
    return day === null ? null : isoDay(day);
  };
  assert.equal(read("2027-03-04"), "2027-03-04");
  assert.equal(read(" 4.3.2027 "), "2027-03-04");
  assert.equal(read("04.03.27"), "2027-03-04");
  assert.equal(read("+3"), "2026-03-07");
  for (const text of ["", "soon", "3/4/2027", "2027-02-30", "31.4.2027", "04.13.2027", "4.3.", "2027-3"]) {
    assert.equal(read(text), null, text);
  }
});
