/** Keystrokes of scanners, the draft that codes fill, and codes in pictures. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { agreed } from "../../../src/useby/web/barcode_reader.js";
import { afterSave, EMPTY, NEW, NO_DATE, productOf, withCode, withScan, withTyped } from "../../../src/useby/web/draft.js";
import { afterKey, NO_BURST } from "../../../src/useby/web/scanner_keys.js";

const GTIN = "04012345678901";
const FOUND = {
  gtin: GTIN,
  lotNumber: null,
  printedDate: null,
  dateKind: null,
  quantity: null,
  unit: null,
  name: null,
  product: null,
  warnings: [],
};
const PRODUCT = /** @type {import("../../../src/useby/web/types.js").Product} */ (
  /** @type {unknown} */ ({ id: "1", name: "Milk", unit: "l", category: "Dairy", location: "Fridge", dateKind: "use_by" })
);

/**
 * Press keys, one each few milliseconds, and return the codes.
 *
 * @param {readonly (string | object)[]} keys names, or events
 * @param {number} gap milliseconds between two keys
 */
function typed(keys, gap) {
  let burst = NO_BURST;
  const codes = [];
  let begun = 0;
  for (const [index, key] of keys.entries()) {
    const event = { key: "", code: "", ctrlKey: false, altKey: false, metaKey: false, repeat: false, timeStamp: index * gap };
    const next = afterKey(burst, Object.assign(event, typeof key === "string" ? { key } : key));
    burst = next.burst;
    begun += Number(next.begins);
    if (next.code) codes.push(next.code);
  }
  return { codes, begun };
}

test("a burst of keys that Enter or Tab ends is a code", () => {
  assert.deepEqual(typed([..."4012345678901", "Enter"], 4), { codes: ["4012345678901"], begun: 1 });
  assert.deepEqual(typed([..."4012345678901", "Tab", ..."96385074", "Enter"], 50).codes, ["4012345678901", "96385074"]);
});

test("what a person types is no code", () => {
  assert.deepEqual(typed([..."4012345678901", "Enter"], 90), { codes: [], begun: 13 });
  assert.deepEqual(typed([..."Milk", "Enter"], 10).codes, [], "over four keys, fingers can roll");
  assert.deepEqual(typed([..."123456", "Backspace", "Enter"], 10).codes, []);
  const held = Array.from({ length: 20 }, () => ({ key: "0", repeat: true }));
  assert.deepEqual(typed(["0", ...held, "Enter"], 30).codes, [], "a key that is held down");
  assert.deepEqual(typed([..."123456", { key: "v", ctrlKey: true }, "Enter"], 10).codes, []);
});

test("a code has its prefix and its separators, however the scanner sends them", () => {
  const separators = [
    { key: "\u001d" },
    { key: "F8" },
    { key: "]", code: "BracketRight", ctrlKey: true },
    { key: "+", code: "BracketRight", ctrlKey: true }, // a German keyboard
  ];
  for (const separator of separators) {
    const keys = ["Shift", ..."]d210", "Shift", ..."B7", "Control", separator, ..."3012", "Enter"];
    assert.deepEqual(typed(keys, 8).codes, ["]d210B7\u001d3012"]);
  }
  assert.deepEqual(typed([{ key: "[", ctrlKey: true, altKey: true }, ..."12345", "Enter"], 8).codes, ["[12345"], "AltGr");
});

test("keys before a burst are not part of it", () => {
  const slow = [..."Milk"].map((key, index) => ({ key, timeStamp: index * 200 }));
  const fast = [..."96385074", "Enter"].map((key, index) => ({ key, timeStamp: 5_000 + index * 5 }));
  assert.deepEqual(typed([...slow, ...fast], 0).codes, ["96385074"]);
});

test("a code fills what no person has typed, and a second code replaces it", () => {
  const typedName = withTyped(NEW, "name", "My milk");
  const first = withScan(typedName, GTIN, { ...FOUND, name: "Milk", product: PRODUCT, quantity: "2", printedDate: "2027-03-31" });
  assert.equal(first.fields.name, "My milk");
  assert.deepEqual([first.fields.unit, first.fields.category, first.fields.quantity], ["l", "Dairy", "2"]);
  assert.deepEqual([first.date.text, first.date.date], ["2027-03-31", "2027-03-31"]);
  const second = withScan(first, "96385074", { ...FOUND, gtin: "00000096385074", lotNumber: "A1" });
  assert.deepEqual(second.fields, { ...EMPTY, name: "My milk", barcode: "96385074", lotNumber: "A1" });
  assert.equal(second.date.text, "");
});

test("a date that was typed, and a ticked box for no date, stay", () => {
  const date = { ...NO_DATE, text: "+3", readFrom: "+3", date: "2027-01-04" };
  assert.equal(withScan({ ...NEW, date }, GTIN, { ...FOUND, printedDate: "2027-03-31" }).date, date);
  assert.equal(withScan({ ...NEW, isNever: true }, GTIN, { ...FOUND, printedDate: "2027-03-31" }).date, NO_DATE);
});

test("the field has the number as it stands below the bars, or else the code", () => {
  const barcode = (/** @type {string} */ code, /** @type {object} */ found = {}) =>
    withScan(NEW, code, { ...FOUND, ...found }).fields.barcode;
  assert.equal(barcode("4012345678901"), "4012345678901");
  assert.equal(barcode("]E04012345678901"), "4012345678901");
  assert.equal(barcode("]d20104012345678901\u001d10B7"), "4012345678901");
  assert.equal(barcode("]C0ABC-1234", { gtin: null }), "]C0ABC-1234");
  assert.equal(withCode(NEW, "]E496385074").fields.barcode, "96385074");
});

test("saving adds a lot to the product with the code, unless a person changes what it is", () => {
  const scanned = withScan(NEW, GTIN, { ...FOUND, name: "Milk", product: PRODUCT });
  assert.equal(productOf(scanned), PRODUCT);
  assert.equal(productOf(withTyped(scanned, "quantity", "3")), PRODUCT);
  assert.equal(productOf(withTyped(scanned, "name", "Oat milk")), null);
  assert.equal(productOf(withTyped(scanned, "barcode", "96385074")), null);
  assert.equal(productOf(withScan(scanned, "96385074", FOUND)), null);
});

test("the next product begins with category, location and kind of the one before", () => {
  const next = afterSave({ ...NEW, fields: { ...EMPTY, name: "Milk", category: "Dairy", location: "Fridge", dateKind: "use_by" } });
  assert.deepEqual(next.fields, { ...EMPTY, category: "Dairy", location: "Fridge", dateKind: "use_by" });
  const scanned = withScan(next, GTIN, { ...FOUND, product: { ...PRODUCT, category: "Drinks" } });
  assert.deepEqual([scanned.fields.category, scanned.fields.location], ["Drinks", "Fridge"]);
  assert.equal(withScan(scanned, "96385074", FOUND).fields.category, "Dairy");
});

test("a code counts if two consecutive pictures contain it", () => {
  assert.deepEqual(agreed([], ["1234"]), []);
  assert.deepEqual(agreed(["1234"], ["1234", "5678"]), ["1234"]);
  assert.deepEqual(agreed(["1234", "5678"], ["5678", "1234", "1234"]), ["5678", "1234"]);
});

test("a number that is part of another code, and a link beside a code, are left out", () => {
  const whole = "]d20104012345678901\u001d10B7";
  assert.deepEqual(agreed(["]E04012345678901", whole], ["]E04012345678901", whole]), [whole]);
  assert.deepEqual(agreed(["https://a.example", "1234"], ["https://a.example", "1234"]), ["1234"]);
  assert.deepEqual(agreed(["]Q1https://a.example", "1234"], ["]Q1https://a.example", "1234"]), ["1234"]);
  assert.deepEqual(agreed(["https://a.example"], ["https://a.example"]), ["https://a.example"]);
});
