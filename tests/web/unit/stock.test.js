/** What a person does to the stock, and how the page catches up with it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../../src/useby/web/api.js";
import { Queued } from "../../../src/useby/web/changes.js";
import { dayOf, daysLeft } from "../../../src/useby/web/dates.js";
import { INITIAL, Store, withListed } from "../../../src/useby/web/state.js";
import { withNow, withProduct } from "../../../src/useby/web/state/lots.js";
import { Stock } from "../../../src/useby/web/stock.js";
import { Turns } from "../../../src/useby/web/turns.js";

const TODAY = "2026-03-04";
const COUNTS = { expired: 0, today: 0, next3Days: 0, next7Days: 0, later: 0, never: 0 };
const NO_PAGE = { items: [], nextCursor: null };

/** A lot with a date of its own, so that the order of several is that of their numbers. */
function lotOf(number, more = {}) {
  const expiryDate = new Date((dayOf(TODAY) + 10 + number) * 86_400_000).toISOString().slice(0, 10);
  const common = { quantity: "1", state: "sealed", status: "fresh", receivedOn: TODAY, location: "", closedAs: null };
  return { ...common, id: `l${number}`, productId: `p${number}`, expiryDate, daysLeft: 10 + number, ...more };
}

function productOf(number, more = {}) {
  const common = { category: "", unit: "", dateKind: "best_before", lotCount: 1, barcodes: [], notes: "", location: "", closedAs: null };
  return { ...common, id: `p${number}`, name: `Product ${number}`, lots: [lotOf(number)], ...more };
}

/** A stock of so many products; `api` has other answers than the usual ones, and `asked` their names. */
function stockOf(count, api = {}, view = "products") {
  const products = Array.from({ length: count }, (_, index) => productOf(index + 1));
  const asked = [];
  const usual = {
    counts: async () => COUNTS,
    lots: async () => ({ items: products.map((each) => ({ ...each.lots[0], product: each })), nextCursor: null }),
    products: async () => ({ items: products, nextCursor: null }),
    product: async (id) => products.find((each) => each.id === id),
    takeAll: async (id) => ({ movements: [{ id: `m-${id}`, lotId: id.replace("p", "l") }] }),
    undo: async (id) => products.find((each) => id === `m-${each.id}`),
    ...api,
  };
  const counted = Object.entries(usual).map(([name, answer]) => [name, (...given) => (asked.push([name, ...given]), answer(...given))]);
  const store = new Store({ ...INITIAL, signedIn: true, today: dayOf(TODAY), now: Date.parse(TODAY), route: { view, id: "p1" } });
  const t = (key, values = {}) => [key, ...Object.values(values)].join(" ");
  const stock = new Stock(store, Object.fromEntries(counted), t);
  for (const each of products) store.update(withProduct, each);
  store.update(withListed, store.state.listed.filters, { items: products, nextCursor: null }, true);
  const names = (name) => asked.filter(([each]) => each === name).map(([, id]) => id);
  return { stock, store, products, asked, names };
}

test("a refusal of one of several products leaves the others done, with their undo, and is named", async () => {
  const takeAll = async (id) => {
    if (id === "p2") throw new ApiError(409, "It is locked.", 0);
    return { movements: [{ id: `m-${id}`, lotId: id.replace("p", "l") }] };
  };
  const { stock, store, products, names } = stockOf(3, { takeAll });
  await stock.actions.takeAll(products, "consume");
  const { text, undoable, failed } = store.state.message;
  assert.deepEqual(names("takeAll"), ["p1", "p2", "p3"]);
  assert.deepEqual([text, undoable, failed], ["done.many.consume 2. refused Product 2 It is locked.", true, true]);
  assert.deepEqual([store.state.pending.size, store.state.refused], [0, "l2"]);
  await stock.actions.undo();
  assert.deepEqual(names("undo"), ["m-p3", "m-p1"]);
  assert.equal(store.state.message.text, "done.undone");
});

test("an action that is refused altogether has no undo", async () => {
  const refuse = async () => Promise.reject(new ApiError(409, "It is locked.", 0));
  const { stock, store, products, names } = stockOf(2, { takeAll: refuse });
  await stock.actions.takeAll(products, "discard");
  assert.deepEqual([store.state.message.text, store.state.message.undoable], ["refused Product 1, Product 2 It is locked.", false]);
  await stock.actions.undo();
  assert.deepEqual(names("undo"), []);
});

test("a refusal that comes late leaves the later action its message and its undo", async () => {
  const answers = {};
  const takeAll = (id) => new Promise((resolve, reject) => (answers[id] = { resolve, reject }));
  const { stock, store, products, names } = stockOf(2, { takeAll });
  const [first, second] = products;
  const earlier = stock.actions.takeAll([first], "consume");
  const later = stock.actions.takeAll([second], "discard");
  answers.p2.resolve({ movements: [{ id: "m-p2", lotId: "l2" }] });
  answers.p1.reject(new ApiError(409, "It is locked.", 0));
  await Promise.all([earlier, later]);
  const { text, undoable } = store.state.message;
  assert.deepEqual([text, undoable], ["refused Product 1 It is locked. done.many.discard 1", true]);
  await stock.actions.undo();
  assert.deepEqual(names("undo"), ["m-p2"]);
});

test("several products show at once that they are taken", async () => {
  let answer;
  const takeAll = () => new Promise((resolve) => (answer = () => resolve({ movements: [] })));
  const { stock, store, products } = stockOf(1, { takeAll });
  const done = stock.actions.takeAll(products, "consume");
  assert.deepEqual([...store.state.pending], [["l1", "consume"]]);
  answer();
  await done;
  assert.equal(store.state.pending.size, 0);
});

test("products are deleted one by one, and those that the node keeps are named", async () => {
  const deleteProduct = async (id) => {
    if (id === "p1") throw new ApiError(403, "Not yours.", 0);
  };
  const { stock, store, products, names } = stockOf(2, { deleteProduct });
  await stock.actions.deleteAll(products);
  assert.deepEqual(names("deleteProduct"), ["p1", "p2"]);
  assert.equal(store.state.message.text, "done.many.delete 1. refused Product 1 Not yours.");
  assert.deepEqual([store.state.products.has("p1"), store.state.products.has("p2")], [true, false]);
});

test("the undo of several products waits for each of them if the node is not reached", async () => {
  const waiting = [];
  const undo = async (id, before) => {
    waiting.push([id, before.map((lot) => [lot.id, lot.closedAs])]);
    throw new Queued(async () => {});
  };
  const { stock, store, products } = stockOf(3, { undo });
  await stock.actions.takeAll(products, "consume");
  await stock.actions.undo();
  assert.deepEqual(waiting, [["m-p3", [["l3", null]]], ["m-p2", [["l2", null]]], ["m-p1", [["l1", null]]]]);
  assert.equal(store.state.message.text, "done.undone");
});

test("what waits of an action is taken back, and what was answered is undone", async () => {
  const taken = [];
  const takeAll = async (id) => {
    if (id === "p2") throw new Queued(async () => taken.push(id));
    return { movements: [{ id: `m-${id}`, lotId: "l1" }] };
  };
  const { stock, store, products, names } = stockOf(2, { takeAll });
  await stock.actions.takeAll(products, "consume");
  assert.deepEqual([...store.state.pending.keys()], ["l2"], "the answered one is shown as the node has it");
  await stock.actions.undo();
  assert.deepEqual([taken, names("undo")], [["p2"], ["m-p1"]]);
});

test("after a lost connection the search is repeated, and a shown product is loaded again", async () => {
  const listed = stockOf(2, { products: async () => ({ items: [productOf(1, { name: "Oats" })], nextCursor: null }) });
  await listed.stock.loadShown();
  assert.deepEqual([listed.store.state.listed.ids, listed.store.state.products.get("p1").name], [["p1"], "Oats"]);

  const one = stockOf(2, { product: async () => productOf(1, { name: "Oats" }) }, "product");
  await one.stock.loadShown();
  assert.deepEqual([one.names("product"), one.names("products").length], [["p1"], 0]);
  assert.equal(one.store.state.products.get("p1").name, "Oats");

  const gone = stockOf(2, { product: async () => Promise.reject(new ApiError(404, "There is no such product.", 0)) }, "product");
  await gone.stock.loadShown();
  assert.equal(gone.store.state.products.has("p1"), false);
});

test("a list that was scrolled stays as long when it is loaded again", async () => {
  const all = Array.from({ length: 700 }, (_, index) => productOf(index));
  const pageAt = (items) => async ({ limit }, after) => {
    const from = Number(after ?? 0);
    const to = from + Number(limit);
    return { items: items.slice(from, to), nextCursor: to < items.length ? String(to) : null };
  };
  const lots = all.map((each) => ({ ...each.lots[0], product: each }));
  const api = { products: pageAt(all), lots: (which) => pageAt(lots)(which, which.cursor) };
  const { stock, store } = stockOf(0, api);
  store.update(withListed, store.state.listed.filters, { items: all.slice(0, 620), nextCursor: "620" }, true);
  for (const each of all.slice(0, 620)) store.update(withProduct, each);
  await stock.loadShown();
  assert.deepEqual([store.state.listed.ids.length, store.state.listed.cursor], [620, "620"]);
  assert.equal(store.state.due.groups.later.ids.length, 620);
  assert.equal([...store.state.lots.values()].filter(({ closedAs }) => closedAs).length, 0);
});

test("when more products change than are fetched one by one, the search is repeated", async () => {
  const { stock, store, products, names } = stockOf(25);
  const used = products.map((each) => ({ ...each, lotCount: 0, lots: [], closedAs: "consumed" }));
  products.splice(0, products.length, ...used);
  await stock.changed(...used.map(({ id }) => id));
  assert.deepEqual([names("product").length, names("products").length], [0, 1]);
  assert.deepEqual([...new Set([...store.state.products.values()].map(({ closedAs }) => closedAs))], ["consumed"]);
});

test("a call just after the last turn of a request is a turn of its own", async () => {
  const turns = new Turns();
  let count = 0;
  const request = async () => (count += 1);
  const first = turns.run("a", request);
  const later = Promise.resolve().then(() => turns.run("a", request));
  await Promise.all([first, later]);
  assert.equal(count, 2);
});

test("a search does not take in a product on which an action is unanswered", async () => {
  let answer;
  const takeAll = () => new Promise((resolve) => (answer = () => resolve({ movements: [] })));
  const old = productOf(1, { name: "Old" });
  const { stock, store, products } = stockOf(1, { takeAll, products: async () => ({ ...NO_PAGE, items: [old] }) });
  const done = stock.actions.takeAll(products, "consume");
  await stock.search({});
  assert.equal(store.state.products.get("p1").name, "Product 1");
  answer();
  await done;
});

test("a search without the node lists what is kept, and states that it was not reached", async () => {
  const { stock, store } = stockOf(3, { products: async () => Promise.reject(new TypeError("Failed to fetch")) });
  await assert.rejects(stock.search({ q: "product 2" }), TypeError);
  assert.deepEqual(store.state.listed.ids, ["p2"]);
});

test("an answer that comes after midnight is asked for again, because it counts the days of yesterday", async () => {
  const { stock, store, names } = stockOf(1, {
    product: async (id) => {
      if (names("product").length === 1) store.update(withNow, Date.parse("2026-03-05"));
      return productOf(1, { id, lots: [lotOf(1, { daysLeft: names("product").length === 1 ? 11 : 10 })] });
    },
  });
  await stock.loadProduct("p1");
  assert.deepEqual(names("product"), ["p1", "p1"]);
  assert.equal(daysLeft(store.state.lots.get("l1"), store.state.today), 10);
});
