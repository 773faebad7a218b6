/** Why an alert was sent, in words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import de from "../../../src/useby/web/text/why_de.js";
import en from "../../../src/useby/web/text/why_en.js";
import { grouped, subjectOf, translatorOf, whyText } from "../../../src/useby/web/why.js";

const reason = (lead, scope, key = null) => ({ productId: "p", productName: "Milk", lead, because: { scope, key } });
const inEnglish = (...values) => whyText(translatorOf("en"), reason(...values));

test("a reason is a sentence with the time and the rule", () => {
  assert.equal(inEnglish("7d", "category", "Dairy"), "7 days before the date, because of your rule for the category Dairy.");
  assert.equal(inEnglish("1d", "builtin"), "1 day before the date, because nobody has set another rule.");
  assert.equal(inEnglish("0d", "account"), "On the day of the date, because of your rule for everything.");
  assert.equal(inEnglish("24h", "location", "Fridge"), "24 hours before the date, because of your rule for the place Fridge.");
  assert.equal(inEnglish("15%", "product", "p"), "With 15 % of the time left, because of your rule for this product.");
  assert.equal(inEnglish("expiry", "dateKind", "use_by"), "When it expires, because of your rule for use-by dates.");
  assert.equal(inEnglish("repeat", "household"), "Again, as it was still unread, because of the household’s rule.");
  const german = whyText(translatorOf("de"), reason("2d", "lot", "l"));
  assert.equal(german, "2 Tage vor dem Datum, wegen deiner Regel für diesen Bestand.");
});

test("the products of a summary that have the same reason are named together", () => {
  const ham = { ...reason("7d", "builtin"), productId: "h", productName: "Ham" };
  const groups = grouped([reason("7d", "builtin"), reason("2d", "builtin"), ham]);
  assert.deepEqual(groups.map(({ names }) => names), [["Milk", "Ham"], ["Milk"]]);
});

test("the rule to change is the one that gave the lead, and the account's in place of the built-in one", () => {
  assert.deepEqual(subjectOf(reason("7d", "product", "p")), { scope: "product", key: "p", name: "Milk" });
  assert.deepEqual(subjectOf(reason("7d", "category", "Dairy")), { scope: "category", key: "Dairy" });
  assert.deepEqual(subjectOf(reason("7d", "builtin")), { scope: "account", key: null });
});

test("both languages have the same texts about reasons", () => {
  assert.deepEqual(Object.keys(de), Object.keys(en));
});
