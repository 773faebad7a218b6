/** The page's reducers: what the page shows after each change. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { dayOf } from "../../../src/useby/web/dates.js";
import { INITIAL, Store, withFields, withMessage, withoutMessage } from "../../../src/useby/web/state.js";
import { withArrived, withFilter, withInboxPage, withRead } from "../../../src/useby/web/state/inbox.js";
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
