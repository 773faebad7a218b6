/** The page's reducers: what the page shows after each change. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { dayOf, daysLeft } from "../../../src/useby/web/dates.js";
import { INITIAL, Store, withFields, withFoundAgain, withListed, withMessage, withoutMessage } from "../../../src/useby/web/state.js";
import { inboxHeld, inboxReleased, inboxWaiting, shownIds, withArrived, withFilter, withInboxPage, withRead } from "../../../src/useby/web/state/inbox.js";
import { withHousehold } from "../../../src/useby/web/state/household.js";
import {
  asShown,
  held,
  released,
  shownGroups,
  waiting,
  withFirst,
  withNow,
  withPage,
  withPending,
  withProduct,
  withoutPending,
  withoutProduct,
} from "../../../src/useby/web/state/lots.js";

const TODAY = "2026-03-04";
const START = { ...INITIAL, today: dayOf(TODAY), now: Date.parse(`${TODAY}T10:00:00Z`) };
const SUMMARY = { name: "Milk", category: "", unit: "", dateKind: /** @type {const} */ ("best_before"), lotCount: 1 };

/** A lot as the node lists it, so many days before its date. */
function lot(id, days, more = {}) {
  const expiryDate = days === null ? null : new Date((dayOf(TODAY) + days) * 86_400_000).toISOString().slice(0, 10);
  return {
    id,
    productId: `p-${id}`,
    quantity: "1",
    printedDate: expiryDate,
    expiryDate,
    dateKind: "best_before",
    receivedOn: TODAY,
    lotNumber: "",
    location: "",
    state: "sealed",
    status: days !== null && days < 0 ? "expired" : "fresh",
    daysLeft: days,
    closedAs: null,
    product: { ...SUMMARY, id: `p-${id}` },
    ...more,
  };
}

const product = (id, lots) => ({ ...SUMMARY, id, lotCount: lots.length, barcodes: [], lots });
const page = (...items) => ({ items, nextCursor: null });
const ids = (state, urgency) => shownGroups(state)[urgency].ids;

test("a lot that arrives is listed in its group, by its date", () => {
  let state = withPage(START, "next3Days", page(lot("a", 1), lot("c", 3)));
  state = withProduct(state, product("p-b", [lot("b", 2, { productId: "p-b" })]));
  assert.deepEqual(ids(state, "next3Days"), ["a", "b", "c"]);
});

test("the first lots of all groups come together, and the cursor behind them begins each later group", () => {
  const counts = { expired: 1, today: 0, next3Days: 3, next7Days: 0, later: 2, never: 0 };
  const first = { items: [lot("a", -1), lot("b", 1), lot("c", 2)], nextCursor: "c" };
  let state = withFirst(START, counts, first);
  assert.deepEqual([ids(state, "expired"), ids(state, "next3Days"), ids(state, "later")], [["a"], ["b", "c"], []]);
  const cursors = Object.values(state.due.groups).map(({ cursor }) => cursor);
  assert.deepEqual(cursors, [null, null, "c", null, "c", null]);
  state = withProduct(state, product("p-d", [lot("d", 20, { productId: "p-d" })]));
  assert.deepEqual(ids(state, "later"), [], "it comes with the first page of its group");
  state = withPage(state, "later", page(lot("e", 9), lot("d", 20)));
  assert.deepEqual(ids(state, "later"), ["e", "d"]);
});

test("a lot that is loaded again without a change is the same", () => {
  const counts = { expired: 0, today: 2, next3Days: 0, next7Days: 0, later: 0, never: 0 };
  const before = withFirst(START, counts, page(lot("a", 0), lot("b", 0)));
  const after = withFirst(before, counts, page(lot("a", 0), lot("b", 0, { quantity: "2" })));
  assert.equal(after.lots.get("a"), before.lots.get("a"));
  assert.equal(after.lots.get("b")?.quantity, "2");
});

test("a lot that is missing when the lots are loaded again is gone, if it should be among them", () => {
  const counts = { expired: 0, today: 2, next3Days: 1, next7Days: 0, later: 1, never: 0 };
  const before = withFirst(START, counts, page(lot("a", 0), lot("b", 0), lot("c", 2), lot("d", 20)));
  const closed = (state) => [...state.lots.values()].filter(({ closedAs }) => closedAs).map(({ id }) => id);
  assert.deepEqual(closed(withFirst(before, counts, page(lot("b", 0), lot("c", 2)))), ["a", "d"]);
  const first = { items: [lot("b", 0), lot("c", 2)], nextCursor: "c" };
  assert.deepEqual(closed(withFirst(before, counts, first)), ["a"], "a later one comes with a later page");
});

test("a lot behind the last one loaded waits for its page", () => {
  let state = withPage(START, "later", { items: [lot("a", 10)], nextCursor: "more" });
  state = withProduct(state, product("p-b", [lot("b", 99, { productId: "p-b" })]));
  assert.deepEqual(ids(state, "later"), ["a"]);
  state = withPage(state, "later", page(lot("b", 99)));
  assert.deepEqual(ids(state, "later"), ["a", "b"]);
});

test("a lot that is gone leaves its group, and a product that is deleted takes its lots along", () => {
  let state = withPage(START, "today", page(lot("a", 0), lot("b", 0)));
  state = withProduct(state, product("p-a", []));
  assert.deepEqual(ids(state, "today"), ["b"]);
  assert.deepEqual(ids(withoutProduct(state, "p-b"), "today"), []);
});

test("held rows stay in place, and the new ones are counted until they are shown", () => {
  let state = held(withPage(START, "today", page(lot("a", 0), lot("b", 0))));
  state = withProduct(state, product("p-a", []));
  state = withProduct(state, product("p-c", [lot("c", 0, { productId: "p-c" })]));
  assert.deepEqual(ids(state, "today"), ["a", "b"]);
  assert.equal(state.lots.get("a")?.closedAs, "consumed");
  assert.equal(waiting(state), 1);
  state = released(state);
  assert.deepEqual(ids(state, "today"), ["b", "c"]);
  assert.equal(waiting(state), 0);
});

test("the lots of a product keep their rows while a person acts in the list, and new ones come last", () => {
  const lots = (...ids) => ids.map((id) => lot(id, 5, { productId: "p" }));
  const listed = (state) => state.products.get("p").lots.map(({ id }) => id);
  let state = held(withProduct(START, product("p", lots("a", "b", "c"))));
  state = withProduct(state, product("p", lots("d", "c", "a")));
  state = withProduct(state, product("p", lots("e", "d", "c", "a")));
  assert.deepEqual(listed(state), ["a", "b", "c", "d", "e"]);
  assert.equal(state.lots.get("b")?.closedAs, "consumed");
  state = released(state);
  assert.deepEqual(listed(state), ["e", "d", "c", "a"]);
  assert.deepEqual(listed(withProduct(state, product("p", lots("a")))), ["a"]);
});

test("an action shows at once and is taken back when it is refused", () => {
  let state = withPage(START, "today", page(lot("a", 0)));
  state = withPending(state, ["a"], "consume");
  const kept = state.lots.get("a");
  assert.equal(asShown(kept, state.pending.get("a")).closedAs, "consumed");
  state = withoutPending(state, ["a"], true);
  assert.equal(asShown(kept, state.pending.get("a")).closedAs, null);
  assert.equal(state.refused, "a");
});

test("midnight moves lots to their next groups", () => {
  let state = withPage(START, "today", page(lot("a", 0)));
  state = withPage(state, "next3Days", page(lot("b", 1)));
  state = withPage(state, "later", page(lot("c", 8)));
  state = withNow(state, START.now + 86_400_000);
  assert.deepEqual(ids(state, "expired"), ["a"]);
  assert.deepEqual(ids(state, "today"), ["b"]);
  assert.deepEqual(ids(state, "next7Days"), ["c"]);
});

test("a lot has the days left that the node has counted, also before the zone of the stock is known", () => {
  const late = { ...START, zone: "Pacific/Kiritimati", now: Date.parse(`${TODAY}T20:00:00Z`), today: dayOf(TODAY) + 1 };
  const counts = { expired: 0, today: 0, next3Days: 1, next7Days: 0, later: 0, never: 0 };
  const guessed = withFirst(late, counts, page(lot("a", 2)));
  const left = (state) => daysLeft(state.lots.get("a"), state.today);
  const known = withHousehold(guessed, { id: "h", name: "", role: "owner", timeZone: "America/New_York" });
  assert.deepEqual([left(guessed), left(known), known.today], [2, 2, dayOf(TODAY)]);
  assert.equal(left(withNow(known, known.now + 86_400_000)), 1);
  const moved = withHousehold(known, { id: "h", name: "", role: "owner", timeZone: "Pacific/Kiritimati" });
  assert.equal(left(withNow(moved, known.now)), 1, "who moves to another zone has another day");
});

test("lots of one day are listed as they are taken", () => {
  const frozen = lot("d", 5, { state: "frozen" });
  const opened = lot("c", 5, { state: "opened" });
  const later = lot("b", 5, { receivedOn: "2026-03-05" });
  const state = withPage(START, "next7Days", page());
  const next = [frozen, later, opened, lot("a", 5)].reduce(
    (before, each) => withProduct(before, product(each.productId, [each])),
    state,
  );
  assert.deepEqual(ids(next, "next7Days"), ["c", "a", "b", "d"]);
});

const notification = (id, seq, read = false) => ({ id, seq, read, message: id, type: "info", created_at: "", productId: null, event: null });

test("notifications are listed by number, each once, and stay when they are read", () => {
  let state = withInboxPage(START, "all", [notification("b", 2), notification("a", 1)], null, true);
  state = withArrived(state, [notification("b", 2), notification("c", 3)]);
  assert.deepEqual(state.inbox.ids, ["c", "b", "a"]);
  state = withRead(state, ["c", "unknown"]);
  assert.equal(state.inbox.items.get("c")?.read, true);
  assert.deepEqual(state.inbox.ids, ["c", "b", "a"]);
});

test("the first page of the inbox, loaded again, leaves the older ones that were scrolled to", () => {
  let state = withInboxPage(START, "all", [notification("d", 4), notification("c", 3)], "after c", true);
  state = withInboxPage(state, "all", [notification("b", 2), notification("a", 1)], null, false);
  state = withInboxPage(state, "all", [notification("e", 5), notification("d", 4)], "after d", true);
  assert.deepEqual(state.inbox.ids, ["e", "d", "c", "b", "a"]);
  assert.equal(state.inbox.cursor, "after d", "others may belong between them");
  state = withInboxPage(state, "all", [notification("e", 5), notification("c", 3)], "after c", true);
  assert.deepEqual(state.inbox.ids, ["e", "c", "b", "a"], "one within the page is gone");
  state = withInboxPage(state, "all", [notification("e", 5)], null, true);
  assert.deepEqual(state.inbox.ids, ["e"]);
});

test("notifications stay in place while a person acts in the list, and those that come are counted until they are shown", () => {
  let state = withInboxPage(START, "all", [notification("c", 3), notification("b", 2)], "after b", true);
  state = withArrived(inboxHeld(state), [notification("d", 4)]);
  assert.deepEqual([shownIds(state), inboxWaiting(state)], [["c", "b"], 1]);
  state = withInboxPage(state, "all", [notification("a", 1)], null, false);
  assert.deepEqual(shownIds(state), ["c", "b", "a"], "rows at the end move nothing");
  state = inboxReleased(state);
  assert.deepEqual([shownIds(state), inboxWaiting(state)], [["d", "c", "b", "a"], 0]);
  assert.equal(inboxReleased(state), state);
  assert.equal(inboxHeld(START), START, "an empty list has no rows that could move");
  assert.equal(withFilter(inboxHeld(state), "unread").inbox.held, null);
});

test("a page of a filter that is no longer chosen is ignored", () => {
  const state = withFilter(START, "unread");
  assert.equal(withInboxPage(state, "all", [notification("a", 1)], null, true), state);
});

test("a later message is not removed with the one before it", () => {
  const first = withMessage(START, "one");
  const second = withMessage(first, "two");
  assert.equal(withoutMessage(second, first.message.number), second);
  assert.equal(withoutMessage(second, second.message.number).message, null);
});

test("a store calls its listeners after a change, and not without one", () => {
  const store = new Store(START);
  let calls = 0;
  const end = store.subscribe(() => (calls += 1));
  store.update((state) => state);
  store.update(withFields, { unread: 3 });
  end();
  store.update(withFields, { unread: 4 });
  assert.equal(calls, 1);
  assert.equal(store.state.unread, 4);
});

test("the days of a product that was searched count on, and a lot that is gone is no longer open", () => {
  const filters = {};
  let state = { ...START, listed: { ...START.listed, filters } };
  state = withListed(state, filters, page(product("p-a", [lot("a", 2, { productId: "p-a" })])), true);
  state = withNow(state, START.now + 86_400_000);
  assert.equal(daysLeft(state.lots.get("a"), state.today), 1);
  state = withListed(state, filters, page(product("p-a", [])), true);
  assert.equal(state.lots.get("a")?.closedAs, "consumed");
});

test("products that are found again keep their rows while a person acts in the list", () => {
  const filters = {};
  const found = (...ids) => page(...ids.map((id) => product(id, [lot(id, 2, { productId: id })])));
  const idsOf = ({ listed }) => listed.ids.join(" ");
  const before = withListed({ ...START, listed: { ...START.listed, filters } }, filters, found("a", "b", "c"), true);
  assert.equal(idsOf(withFoundAgain(before, filters, found("c", "d", "a"))), "c d a");

  let state = withFoundAgain(held(before), filters, found("c", "d", "a"));
  assert.equal(idsOf(state), "a b c d");
  assert.equal(idsOf(withListed(state, filters, found("e"), false)), "a b c d e");
  assert.equal(idsOf(released(withListed(state, filters, found("e"), false))), "c d a e");
  state = released(state);
  assert.equal(idsOf(state), "c d a");
  assert.equal(released(state), state);
  assert.equal(withFoundAgain(state, { q: "tea" }, found("x")), state, "another search has begun");
});

test("a product of which only some lots are listed keeps the others", () => {
  let state = withProduct(START, product("p", [lot("a", 1, { productId: "p" }), lot("b", 2, { productId: "p" })]));
  state = withProduct(state, { ...product("p", [lot("a", 1, { productId: "p" })]), lotCount: 2 });
  assert.equal(state.lots.get("b")?.closedAs, null);
});
