/** What the page keeps on a device, and changes that wait there. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { momentOf } from "../../../src/useby/web/dates.js";
import { restored, snapshotOf } from "../../../src/useby/web/offline/snapshot.js";
import { followsFrom, isDone, isSame, lotsOf, placeOf, timed } from "../../../src/useby/web/offline/waiting.js";
import { INITIAL, signedOut } from "../../../src/useby/web/state.js";
import de from "../../../src/useby/web/text/offline/de.js";
import en from "../../../src/useby/web/text/offline/en.js";

const LOT = { id: "l1", productId: "p1", quantity: "2", state: "sealed", closedAs: null, expiryDate: "2026-03-04", location: "" };
const SEEN = { ...LOT, product: { id: "p1", name: "Milk", unit: "l" }, countedOn: 0 };
const NOW = Date.parse("2026-03-04T14:05:00Z");

/** A change of the lot that waits. */
function change(action, body = {}, more = {}) {
  const kept = { id: 1, key: "k", at: NOW, sent: 0, seen: SEEN, name: "Milk", shown: [], etag: "", follows: 0, conflict: null };
  return { ...kept, kind: "lot", subject: "l1", path: `lots/l1/${action}`, body, ...more };
}

test("a state is restored with its age, and the days are counted again", () => {
  const counts = { expired: 0, today: 1, next3Days: 0, next7Days: 0, later: 0, never: 0 };
  const lots = new Map([["l1", { ...SEEN, daysLeft: 0, status: "fresh", dateKind: "use_by", receivedOn: "2026-03-01", countedOn: 20516 }]]);
  const groups = { ...INITIAL.due.groups, today: { ids: ["l1"], cursor: null, loaded: true } };
  const state = { ...INITIAL, signedIn: true, lots, due: { counts, groups, held: groups }, unread: 3 };
  const snapshot = snapshotOf(state, "s1", NOW);
  assert.equal(snapshot.state.due.held, null);

  const shown = restored({ ...INITIAL, signedIn: true, error: "not reached" }, snapshot, NOW + 86_400_000);
  assert.equal(shown.asOf, NOW);
  assert.equal(shown.unread, 3);
  assert.equal(shown.error, "");
  assert.deepEqual(shown.due.groups.expired.ids, ["l1"]);
});

test("a kept state replaces nothing of the node's, and is shown to nobody who is signed out", () => {
  const counts = { expired: 0, today: 0, next3Days: 0, next7Days: 0, later: 0, never: 0 };
  const fresh = { ...INITIAL, signedIn: true, due: { ...INITIAL.due, counts } };
  const snapshot = snapshotOf({ ...fresh, unread: 9 }, "s1", NOW);
  assert.deepEqual(restored(fresh, snapshot, NOW), fresh);
  assert.equal(restored(INITIAL, snapshot, NOW), INITIAL);
});

test("kept notifications are shown if the node was heard, and sent none before the line was cut", () => {
  const counts = { expired: 0, today: 0, next3Days: 0, next7Days: 0, later: 0, never: 0 };
  const heard = { ...INITIAL, signedIn: true, due: { ...INITIAL.due, counts } };
  const inbox = { ...INITIAL.inbox, ids: ["n1"] };
  const snapshot = snapshotOf({ ...INITIAL, signedIn: true, inbox }, "s1", NOW);
  assert.deepEqual(restored(heard, snapshot, NOW).inbox.ids, ["n1"]);
  const loaded = { ...heard, inbox: { ...INITIAL.inbox, loaded: true } };
  assert.equal(restored(loaded, snapshot, NOW), loaded);
});

test("a sign-out forgets what waits and how old it is", () => {
  const state = signedOut({ ...INITIAL, signedIn: true, asOf: 1, waiting: [change("open")], hasRelease: true });
  assert.deepEqual([state.asOf, state.waiting], [null, []]);
});

test("a lot is as it was seen if what an action depends on is the same", () => {
  assert.equal(isSame(LOT, { ...LOT, location: "Cellar" }), true);
  for (const other of [{ quantity: "1" }, { state: "opened" }, { closedAs: "consumed" }, { expiryDate: null }]) {
    assert.equal(isSame(LOT, { ...LOT, ...other }), false);
  }
});

test("two devices that do the same to a whole lot have no conflict", () => {
  const consumed = { ...LOT, closedAs: "consumed" };
  assert.equal(isDone(change("consume"), consumed), true);
  assert.equal(isDone(change("discard"), consumed), false);
  assert.equal(isDone(change("consume", { quantity: "1" }), consumed), false);
  assert.equal(isDone(change("open"), { ...LOT, state: "opened" }), false);
});

test("only what is done to a whole lot shows on it while it waits", () => {
  assert.deepEqual(lotsOf(change("freeze")), [["l1", "freeze"]]);
  assert.deepEqual(lotsOf(change("consume", { quantity: "1" })), []);
  assert.deepEqual(lotsOf(change("move", { location: "Cellar" })), []);
  const all = change("", {}, { kind: "product", subject: "p1", path: "products/p1/discard", shown: ["l1", "l2"] });
  assert.deepEqual(lotsOf(all), [["l1", "discard"], ["l2", "discard"]]);
});

test("a change that is sent later states when it was made, unless the person has", () => {
  assert.deepEqual(timed(change("open"), "T", "D"), { at: "T" });
  assert.deepEqual(timed(change("open", { at: "2026-03-01" }), "T", "D"), { at: "2026-03-01" });
  assert.deepEqual(timed(change("", { name: "Jam" }, { kind: "add" }), "T", "D"), { name: "Jam", receivedOn: "D" });
  assert.deepEqual(timed(change("", { for: "PT1H" }, { kind: "snooze" }), "T", "D"), { for: "PT1H" });
});

test("a later change of a lot expects what an earlier one has left, and an undo its movement", () => {
  const answer = { ...LOT, state: "opened", movements: [{ id: "m1" }], part: null };
  const later = followsFrom(change("consume", {}, { id: 2 }), change("open"), answer);
  assert.equal(later.seen.state, "opened");
  assert.equal(later.seen.product, SEEN.product);
  assert.equal("movements" in later.seen, false);
  const undo = followsFrom(change("", {}, { id: 2, kind: "undo", path: "", follows: 1 }), change("open"), answer);
  assert.deepEqual([undo.path, undo.follows], ["movements/m1/undo", 0]);
  const other = change("open", {}, { id: 3, subject: "l2" });
  assert.equal(followsFrom(other, change("open"), answer), other);
});

test("a conflict holds back what is done to the same lot, and no other addition", () => {
  assert.equal(placeOf(change("open")), placeOf(change("consume", {}, { id: 2 })));
  const one = change("", {}, { kind: "add", subject: "" });
  assert.notEqual(placeOf(one), placeOf({ ...one, id: 2 }));
});

test("a moment that has passed is written with its day", () => {
  assert.equal(momentOf(NOW, 20516, "en", "UTC"), "14:05 today");
  assert.equal(momentOf(NOW, 20517, "en", "UTC"), "14:05 yesterday");
  assert.equal(momentOf(NOW, 20519, "en", "UTC"), "14:05, 4 Mar");
  assert.equal(momentOf(NOW, 20516, "de", "UTC"), "14:05 heute");
});

test("each text is there in both languages, with the same values", () => {
  assert.deepEqual(Object.keys(de), Object.keys(en));
  for (const key of Object.keys(en)) assert.deepEqual(de[key].match(/\{\w+\}/g), en[key].match(/\{\w+\}/g), key);
});
