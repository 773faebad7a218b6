/** Calendar days of the page, and the texts in two languages. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { dayIn, dayOf, endOfMonth, isoDay, longDate, relativeDays, shortDate, untilMidnight } from "../../../src/useby/web/dates.js";
import { ruleOf, typedRule } from "../../../src/useby/web/parts/rules.js";
import { fragmentOf, householdOf, routeOf } from "../../../src/useby/web/routes.js";
import de from "../../../src/useby/web/text/de.js";
import en from "../../../src/useby/web/text/en.js";
import { isolate, languageOf, translator } from "../../../src/useby/web/text.js";

test("a day begins at midnight of its zone", () => {
  const noon = Date.parse("2026-03-04T23:30:00Z");
  assert.equal(isoDay(dayIn(noon, "UTC")), "2026-03-04");
  assert.equal(isoDay(dayIn(noon, "Europe/Berlin")), "2026-03-05");
  assert.equal(untilMidnight(noon, "UTC") <= 1_800_200, true);
  assert.equal(untilMidnight(noon, "UTC") >= 1_800_000, true);
});

test("midnight comes after 23 hours on the day on which summer time begins", () => {
  const wait = untilMidnight(Date.parse("2026-03-28T23:00:00Z"), "Europe/Berlin");
  assert.equal(Math.round(wait / 3_600_000), 23);
});

test("dates are written in full and in short in both languages", () => {
  assert.equal(longDate("2026-03-31", "en", "UTC"), "Tue, 31 March 2026");
  assert.equal(longDate("2026-03-31", "de", "UTC"), "Di., 31. März 2026");
  assert.equal(longDate("2026-03-31T10:00:00+02:00", "en", "UTC"), "Tue, 31 March 2026, 08:00");
  assert.equal(shortDate("2026-03-31", "en", "UTC", dayOf("2026-03-04")), "31 Mar");
  assert.equal(shortDate("2027-03-31", "en", "UTC", dayOf("2026-03-04")), "31 Mar 2027");
  assert.equal(relativeDays(1, "en"), "tomorrow");
  assert.equal(relativeDays(-2, "de"), "vorgestern");
  assert.equal(isoDay(endOfMonth(dayOf("2028-02-03"))), "2028-02-29");
});

test("both languages have the same texts with the same values", () => {
  assert.deepEqual(Object.keys(de), Object.keys(en));
  const values = (/** @type {string} */ text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const [key, text] of Object.entries(en)) assert.deepEqual(values(de[key]), values(text), key);
});

test("a text has its values and the form of its number", () => {
  const t = translator("en");
  assert.equal(t("done.many.consume", { n: 1 }), "1 product used");
  assert.equal(t("done.many.consume", { n: 2_000 }), "2,000 products used");
  assert.equal(t("due.group", { group: "Later", n: 5_000 }), "Later (5,000)");
  assert.equal(translator("de")("done.open", { name: "Milch" }), "Milch: geöffnet");
});

test("a name of another direction is isolated", () => {
  assert.equal(isolate("Milk"), "Milk");
  assert.equal(isolate("חלב"), "\u2068חלב\u2069");
});

test("the first of the browser's languages that there is decides", () => {
  assert.equal(languageOf(["fr-FR", "de-AT", "en"]), "de");
  assert.equal(languageOf(["fr"]), "en");
});

test("a fragment leads to its view and back", () => {
  assert.deepEqual(routeOf("#/products/a%2Fb"), { view: "product", id: "a/b" });
  assert.equal(fragmentOf("product", "a/b"), "#/products/a%2Fb");
  assert.deepEqual(routeOf("#/inbox"), { view: "inbox", id: "" });
  assert.deepEqual(routeOf("#/inbox/01a2"), { view: "inbox", id: "01a2" });
  assert.deepEqual(routeOf("#/inbox/01a2?household=h"), { view: "inbox", id: "01a2" });
  assert.equal(householdOf("#/inbox/01a2?household=a%2Fb"), "a/b");
  assert.deepEqual(routeOf("#/inbox?notification=01a2"), { view: "inbox", id: "" });
  assert.deepEqual(routeOf("#/due/01a2"), { view: "due", id: "" });
  assert.deepEqual(routeOf("#/no-such-view"), { view: "due", id: "" });
  assert.deepEqual(routeOf("#/products/%E0%A4%A"), { view: "product", id: "%E0%A4%A" });
});

test("a rule is typed in days, weeks or hours", () => {
  assert.equal(ruleOf("5"), "P5D");
  assert.equal(ruleOf(" 2 weeks "), "P14D");
  assert.equal(ruleOf("8 h"), "PT8H");
  assert.equal(ruleOf("3 Tage"), "P3D");
  assert.equal(ruleOf(""), null);
  assert.equal(ruleOf("soon"), undefined);
  assert.equal(typedRule("P2W"), "14");
  assert.equal(typedRule("PT8H"), "8 h");
  assert.equal(typedRule(null), "");
});
