/** What the page keeps on a device, and changes that wait there. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { momentOf } from "../../../src/useby/web/dates.js";
import { withFoundHere, withSketches } from "../../../src/useby/web/offline/search.js";
import { restored, snapshotOf } from "../../../src/useby/web/offline/snapshot.js";
import { actionsOf, followsFrom, isDone, isSame, ofLots, pauseOf, placeOf, timed, withWaiting } from "../../../src/useby/web/offline/waiting.js";
import { INITIAL, signedOut } from "../../../src/useby/web/state.js";
import de from "../../../src/useby/web/text/offline/de.js";
import en from "../../../src/useby/web/text/offline/en.js";

const LOT = { id: "l1", productId: "p1", quantity: "2", state: "sealed", closedAs: null, expiryDate: "2026-03-04", location: "" };
const SEEN = { ...LOT, product: { id: "p1", name: "Milk", unit: "l" }, countedOn: 0 };
const NOW = Date.parse("2026-03-04T14:05:00Z");

/** A change of the lot that waits. */
function change(action, body = {}, more = {}) {
  const kept = { id: 1, key: "k", at: NOW, sent: 0, seen: SEEN, name: "Milk", etag: "", follows: 0, conflict: null };
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

test("only what is done to a whole lot shows on it while it waits, unless an undo of it waits, too", () => {
  assert.deepEqual([...actionsOf([change("freeze")])], [["l1", "freeze"]]);
  assert.deepEqual([...actionsOf([change("consume", { quantity: "1" })])], []);
  assert.deepEqual([...actionsOf([change("move", { location: "Cellar" })])], []);
  const undo = change("", {}, { id: 2, kind: "undo", path: "", follows: 1 });
  assert.deepEqual([...actionsOf([change("freeze"), undo])], []);
});

test("what is done to a whole product waits for each lot that the person saw", () => {
  const all = { kind: "product", subject: "p1", path: "products/p1/discard", body: {}, household: "h" };
  const [one, ...others] = ofLots(all, [SEEN, { ...SEEN, id: "l2" }]);
  assert.deepEqual(one, { kind: "lot", subject: "l1", path: "lots/l1/discard", body: {}, household: "h" });
  assert.deepEqual(others.map(({ path }) => path), ["lots/l2/discard"]);
  assert.deepEqual(ofLots(change("open"), []), [change("open")]);
});

test("an undo that waits gives the lot back its earlier look, and its place in the list", () => {
  const seen = { ...SEEN, daysLeft: 0, status: "fresh", receivedOn: "2026-03-01", countedOn: 20516 };
  const used = { ...INITIAL, today: 20516, lots: new Map([["l1", { ...seen, closedAs: "consumed" }]]) };
  const undo = { kind: "undo", subject: "m1", path: "movements/m1/undo", body: {}, before: [seen] };
  const shown = withWaiting(used, [change("", {}, undo)]);
  assert.equal(shown.lots.get("l1").closedAs, null);
  assert.deepEqual(shown.due.groups.today.ids, ["l1"]);
});

test("a product that is changed or deleted shows so while it waits", () => {
  const product = { ...SEEN.product, category: "", dateKind: "use_by", lotCount: 1, lots: [LOT] };
  const state = { ...INITIAL, lots: new Map([["l1", SEEN]]), products: new Map([["p1", product]]) };
  const edit = { kind: "edit", subject: "p1", method: "PATCH", path: "products/p1", body: { name: "Oat milk" } };
  const edited = withWaiting(state, [change("", edit.body, edit)]);
  assert.deepEqual([edited.products.get("p1").name, edited.lots.get("l1").product.name], ["Oat milk", "Oat milk"]);
  const gone = withWaiting(edited, [change("", {}, { ...edit, kind: "delete", method: "DELETE" })]);
  assert.deepEqual([gone.products.has("p1"), gone.lots.get("l1").closedAs], [false, "discarded"]);
});

test("notifications that are read or snoozed while the node is away show so, also after the page is opened again", () => {
  const note = (id, seq) => [id, { id, seq, read: false, snoozedUntil: null }];
  const state = { ...INITIAL, inbox: { ...INITIAL.inbox, items: new Map([note("n3", 3), note("n2", 2), note("n1", 1)]) } };
  const read = (shown) => [...shown.inbox.items.values()].filter((each) => each.read).map(({ id }) => id);
  const ofNote = (kind, more) => change("", {}, { kind, subject: "", path: "", ...more });
  assert.deepEqual(read(withWaiting(state, [ofNote("read", { subject: "n2" })])), ["n2"]);
  const all = ofNote("read-all", { path: "notifications/read-all?upTo=2" });
  assert.deepEqual(read(withWaiting(state, [all])), ["n2", "n1"], "a later one was not seen");
  const snoozed = withWaiting(state, [ofNote("snooze", { subject: "n1", body: { until: "2026-03-05T08:00:00Z" } })]);
  assert.deepEqual([read(snoozed), snoozed.inbox.items.get("n1").snoozedUntil], [["n1"], "2026-03-05T08:00:00Z"]);
});

test("a search without the node finds what is kept, by name, category, place and kind", () => {
  const lots = [
    { ...SEEN, location: "Fridge", status: "fresh", daysLeft: 0, receivedOn: "" },
    { ...SEEN, id: "l2", productId: "p2", receivedOn: "", product: { id: "p2", name: "Käse", category: "Dairy", unit: "", dateKind: "use_by" } },
    { ...SEEN, id: "l3", productId: "p3", receivedOn: "", closedAs: "consumed" },
  ].map((lot) => ({ ...lot, product: { category: "", dateKind: "best_before", lotCount: 1, ...lot.product } }));
  const rice = { ...lots[0].product, id: "p4", name: "Rice", barcodes: [], notes: "", location: "", expiryDate: null, status: "fresh" };
  const state = { ...INITIAL, lots: new Map(lots.map((lot) => [lot.id, lot])), products: new Map([["p4", rice]]) };
  const found = (filters) => withFoundHere({ ...state, listed: { ...state.listed, filters } }, filters).listed.ids;
  assert.deepEqual(found({}), ["p2", "p1", "p4"]);
  assert.deepEqual(found({ q: " KASE" }), ["p2"]);
  assert.deepEqual(found({ category: "dairy" }), ["p2"]);
  assert.deepEqual(found({ location: "Fridge" }), ["p1"]);
  assert.deepEqual(found({ dateKind: "best_before", sort: "-name" }), ["p4", "p1"]);
  assert.equal(withFoundHere(state, { q: "old" }), state);
  const sketch = withSketches(state).products.get("p2");
  assert.deepEqual([sketch.isSketch, sketch.lots.length, sketch.name], [true, 1, "Käse"]);
  assert.equal(withSketches(state).products.get("p4"), rice);
});

test("a search that had no answer is answered by the kept state once that is restored", () => {
  const product = { ...SEEN.product, category: "", barcodes: [], notes: "", location: "", dateKind: "use_by", expiryDate: null };
  const counts = { expired: 0, today: 0, next3Days: 0, next7Days: 0, later: 0, never: 0 };
  const listed = { filters: {}, ids: ["p1"], cursor: "c", loaded: true };
  const kept = { ...INITIAL, listed, due: { ...INITIAL.due, counts }, products: new Map([["p1", product]]) };
  const snapshot = snapshotOf(kept, "s1", NOW);
  const opened = { ...INITIAL, signedIn: true };
  assert.deepEqual(restored(opened, snapshot, NOW).listed, listed);
  const searched = { ...opened, listed: { ...listed, ids: [], filters: { q: "tea" } } };
  assert.deepEqual(restored(searched, snapshot, NOW).listed.ids, []);
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

test("a pause that is longer than any that is made ends: the device's clock was set back", () => {
  assert.equal(pauseOf({ retryAt: NOW + 60_000 }, NOW), 60_000);
  assert.deepEqual([pauseOf({}, NOW), pauseOf({ retryAt: NOW }, NOW + 1), pauseOf({ retryAt: NOW }, 0)], [0, 0, 0]);
});

test("a conflict holds back what is done to the same product, and no other addition", () => {
  assert.equal(placeOf(change("open")), placeOf(change("consume", {}, { id: 2 })));
  const ofProduct = { kind: "delete", subject: "p1", seen: null };
  assert.equal(placeOf(change("", {}, ofProduct)), placeOf(change("open")));
  assert.equal(placeOf(change("", {}, { kind: "undo", subject: "m1", seen: null, before: [SEEN] })), placeOf(change("open")));
  const one = change("", {}, { kind: "add", subject: "", seen: null });
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
