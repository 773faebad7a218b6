/** What an undo takes back, as the page shows it before the node has answered. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { canUndo, lotBefore, undoneIds } from "../../../src/useby/web/state/movements.js";

const LOT = { id: "l1", productId: "p1", quantity: "1.5", state: "opened", closedAs: null, expiryDate: "2026-03-04", printedDate: null };
const NONE = new Set();

/** A movement of the lot. */
const moved = (id, kind, more = {}) => ({ id, kind, lotId: "l1", quantity: "0.25", undoes: null, ...more });
const RECEIVED = moved("m0", "received");

test("what was taken of a lot is there again, and a closed lot is open with its last quantity", () => {
  const used = moved("m1", "consumed");
  assert.deepEqual(lotBefore(LOT, used, [used, RECEIVED], NONE), [{ ...LOT, quantity: "1.75" }]);
  const closed = { ...LOT, closedAs: "consumed" };
  assert.deepEqual(lotBefore(closed, used, [used, RECEIVED], NONE), [LOT]);
  assert.deepEqual(lotBefore({ ...LOT, quantity: "0.1" }, moved("m1", "discarded", { quantity: "0.2" }), [], NONE)[0].quantity, "0.3");
});

test("a lot has the state of the movement before, unless that is undone, too", () => {
  const opened = moved("m1", "opened");
  const [frozen, thawed] = [moved("m2", "frozen"), moved("m3", "thawed")];
  const movements = [thawed, frozen, opened, RECEIVED];
  const state = (movement, undone = NONE) => lotBefore(LOT, movement, movements, undone)[0]?.state;
  assert.deepEqual([state(thawed), state(frozen), state(opened)], ["frozen", "opened", "sealed"]);
  assert.equal(state(thawed, new Set(["m2"])), "opened");
});

test("a lot that was frozen while it was sealed has the date of its package again", () => {
  const frozen = moved("m1", "frozen");
  const now = { ...LOT, state: "frozen", expiryDate: null, daysLeft: null, status: "fresh", countedOn: 20516 }; // 2026-03-04
  const before = (printedDate) => lotBefore({ ...now, printedDate }, frozen, [frozen, RECEIVED], NONE)[0];
  assert.deepEqual(before("2026-03-06"), { ...now, state: "sealed", printedDate: "2026-03-06", expiryDate: "2026-03-06", daysLeft: 2 });
  assert.deepEqual([before("2026-03-03").daysLeft, before("2026-03-03").status], [-1, "expired"]);
});

test("nothing is shown of which the page is not certain", () => {
  const opened = moved("m1", "opened");
  assert.deepEqual(lotBefore(LOT, opened, [opened], NONE), [], "an earlier state may not be loaded");
  const frozen = moved("m2", "frozen");
  assert.deepEqual(lotBefore({ ...LOT, expiryDate: null }, frozen, [frozen, RECEIVED], NONE), [], "its date is the node's");
  assert.deepEqual(lotBefore(LOT, moved("m1", "moved"), [RECEIVED], NONE), []);
  assert.deepEqual(lotBefore(undefined, opened, [opened, RECEIVED], NONE), []);
});

test("a movement whose undo waits on this device is undone, unless the node has refused that", () => {
  const used = moved("m1", "consumed");
  const waiting = [{ kind: "undo", subject: "m1", conflict: null }];
  assert.equal(undoneIds([used], waiting).has("m1"), true);
  assert.equal(undoneIds([used], [{ ...waiting[0], conflict: { theirs: null, reason: "" } }]).has("m1"), false);
  assert.equal(undoneIds([moved("m2", "undone", { undoes: "m1" }), used], []).has("m1"), true);
});

test("the last movement of each lot can be undone, and the one before it once that is undone", () => {
  const [opened, used] = [moved("m1", "opened"), moved("m2", "consumed")];
  const movements = [moved("m3", "opened", { lotId: "l2" }), used, opened, RECEIVED];
  const undoable = (undone) => movements.filter((each) => canUndo(each, movements, undone)).map(({ id }) => id);
  assert.deepEqual(undoable(NONE), ["m3", "m2"]);
  assert.deepEqual(undoable(new Set(["m2"])), ["m3", "m1"]);
});
