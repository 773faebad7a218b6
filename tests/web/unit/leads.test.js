/** Times before a date, as a person types them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { leadsOf, typedLeads } from "../../../src/useby/web/leads.js";

test("days, hours and parts of the time are read in English and German", () => {
  assert.deepEqual(leadsOf("7, 1d; 2 Tage, 24 h, 3 Std., 15 %"), ["7d", "1d", "2d", "24h", "3h", "15%"]);
  assert.deepEqual(leadsOf(" , "), []);
});

test("what is no time before a date is refused, and not left out", () => {
  for (const text of ["7, soon", "-1", "1.5", "h", "7 x", "1234567"]) assert.equal(leadsOf(text), undefined, text);
});

test("leads are written in the form in which they are read", () => {
  const leads = ["7d", "0d", "24h", "15%"];
  assert.equal(typedLeads(leads), "7, 0, 24 h, 15 %");
  assert.deepEqual(leadsOf(typedLeads(leads)), leads);
});
