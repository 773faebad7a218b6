/** Changes on their way to the node: kept while it is not reached, sent in their order, undone. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Api, ApiError, request } from "../../../src/useby/web/api.js";
import { Changes, isUnreached, Queued } from "../../../src/useby/web/changes.js";
import { Mailbox } from "../../../src/useby/web/mailbox.js";
import { Outbox } from "../../../src/useby/web/offline/outbox.js";
import { INITIAL, Store, withMessage } from "../../../src/useby/web/state.js";
import { withInboxPage } from "../../../src/useby/web/state/inbox.js";
import { withProduct } from "../../../src/useby/web/state/lots.js";

const TODAY = 20516;
const LOT = {
  ...{ id: "l1", productId: "p1", quantity: "1", state: "sealed", closedAs: null, expiryDate: "2026-03-04", location: "" },
  ...{ daysLeft: 0, status: "fresh", receivedOn: "2026-03-01" },
};
const OTHER = { ...LOT, id: "l2" };
const MILK = { id: "p1", name: "Milk", category: "", unit: "", dateKind: "use_by", lotCount: 2, barcodes: [], lots: [LOT, OTHER] };
const TIMEOUT = new DOMException("signal timed out", "TimeoutError");

Object.defineProperty(globalThis, "navigator", { value: { onLine: true } });
globalThis.BroadcastChannel = class {
  addEventListener() {}
  postMessage() {}
};

/** The table of changes, in memory. */
class Kept {
  rows = new Map();
  #last = 0;
  changes = async () => [...this.rows.values()];
  change = async (id) => this.rows.get(id);
  remove = async (id) => void this.rows.delete(id);
  put = async (change) => {
    const id = change.id ?? (this.#last += 1);
    this.rows.set(id, { ...change, id });
    return id;
  };
}

/** An outbox of a person at a node; `node.answer` is its answer to each request, or throws. */
function outbox() {
  const database = new Kept();
  const store = new Store({ ...INITIAL, signedIn: true, today: TODAY, me: { id: "me" } });
  store.update(withProduct, MILK);
  const node = { sent: [], loaded: 0, undone: [], changed: [], answer: async () => ({ movements: [] }) };
  const call = async (method, path, body, as) => {
    node.sent.push(`${method} ${path}`);
    const answer = await node.answer(method, path);
    return as === "tagged" ? { etag: '"1"', value: answer } : answer;
  };
  const app = {
    ...{ store, language: "en", session: { id: "s1", call }, households: { id: "" }, mailbox: { count: async () => {} } },
    stock: {
      loadShown: async () => (node.loaded += 1),
      changed: async (id) => node.changed.push(id),
      actions: { undoMovement: async (id, before) => node.undone.push([id, before.map((lot) => lot.id)]) },
    },
  };
  return { database, store, node, box: new Outbox(app, database), app };
}

const OPEN = { kind: "lot", subject: "l1", path: "lots/l1/open", body: {}, household: "" };
const refusal = (status) => async () => Promise.reject(new ApiError(status, "No.", 0));

/** Lets all promises go on that can. */
const turns = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  globalThis.navigator.onLine = true;
});

test("a read, a change and the exchange of the token end if the connection hangs, and other requests do not", async () => {
  const signals = [];
  globalThis.fetch = async (_, { signal }) => {
    signals.push(signal instanceof AbortSignal);
    return { ok: true, status: 204 };
  };
  await request("GET", "lots");
  await request("POST", "lots/l/consume", { headers: { "Idempotency-Key": "k" } });
  await request("POST", "auth/refresh");
  await request("POST", "auth/login", { body: {} });
  await request("POST", "import", { body: new Blob(["a"]) });
  assert.deepEqual(signals, [true, true, true, false, false]);
});

test("a change that is not answered in time is kept, because the node may not have received it", async () => {
  assert.equal(isUnreached(TIMEOUT), true);
  const kept = [];
  const offline = { outbox: { put: async (...given) => (kept.push(given), [1]), undo: async () => {} } };
  const session = { call: async () => Promise.reject(TIMEOUT) };
  const changes = new Changes(new Store(INITIAL), session, async () => offline);
  await assert.rejects(changes.send(OPEN), Queued);
  const [[change, key, wasSent]] = kept;
  assert.deepEqual([change, typeof key, wasSent], [OPEN, "string", true]);
});

test("what is done to a product waits for the lots that the person saw, and others stay", async () => {
  const { box, database, node, store } = outbox();
  globalThis.navigator.onLine = false;
  await box.put({ kind: "product", subject: "p1", path: "products/p1/consume", body: {}, household: "" }, "k", false);
  assert.deepEqual([...store.state.pending], [["l1", "consume"], ["l2", "consume"]]);
  globalThis.navigator.onLine = true;
  node.answer = async (method, path) => (method === "GET" ? { ...LOT, id: path.slice(5) } : { ...LOT, movements: [{ id: "m" }] });
  await box.flush();
  assert.deepEqual(node.sent.filter((each) => each.startsWith("POST")), ["POST lots/l1/consume", "POST lots/l2/consume"]);
  assert.equal(database.rows.size, 0);
});

test("a product's lots that the node has already taken are not taken again", async () => {
  const { box, database, node } = outbox();
  node.answer = async (_, path) => ({ ...LOT, id: path.slice(5), closedAs: "consumed" });
  await box.put({ kind: "product", subject: "p1", path: "products/p1/consume", body: {}, household: "" }, "k", true);
  await box.flush();
  assert.deepEqual(node.sent, ["GET lots/l1", "GET lots/l2"]);
  assert.equal(database.rows.size, 0);
});

test("a change whose answer was lost is not sent again once the node may have forgotten its first attempt", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  const later = (hours) => t.mock.timers.setTime(hours * 3_600_000);
  const { box, database, node } = outbox();
  const add = { kind: "add", subject: "", path: "products", body: { name: "Tea" }, household: "" };
  const part = { ...OPEN, path: "lots/l1/consume", body: { quantity: "0.5" } };
  later(1);
  node.answer = async () => Promise.reject(new TypeError());
  await box.put(part, "k1", true);
  await box.put(add, "k2", true);
  await box.flush();
  later(20);
  await box.flush();
  later(30);
  node.sent.length = 0;
  node.answer = async () => ({ ...LOT, quantity: "0.5" });
  await box.flush();
  assert.deepEqual(node.sent, ["GET lots/l1"]);
  const reasons = () => [...database.rows.values()].map(({ conflict }) => conflict?.reason);
  assert.deepEqual(reasons(), ["", "It may be there already: it was sent more than a day ago, and the answer was lost."]);
  node.answer = async () => ({ movements: [] });
  await box.applyMine(2); // the person has looked
  assert.deepEqual([node.sent.at(-1), reasons()], ["POST products", [""]]);
});

test("that changes are sent does not replace a message that can be undone", async () => {
  const { box, store, node } = outbox();
  node.answer = async () => ({ ...LOT, state: "opened", movements: [{ id: "m1" }] });
  store.update(withMessage, "Milk: opened", { undoable: true });
  const [id] = await box.put(OPEN, "k", true);
  await box.flush();
  assert.deepEqual([store.state.message.text, store.state.message.undoable, node.loaded > 0], ["Milk: opened", true, true]);
  await box.undo(id);
  assert.deepEqual(node.undone, [["m1", ["l1"]]]);

  store.update(withMessage, "Saved");
  await box.put(OPEN, "k2", true);
  await box.flush();
  assert.equal(store.state.message.text, "1 change is sent");
});

test("a change that waits and is undone before its answer comes shows the lot as it was", async () => {
  const { box, store } = outbox();
  globalThis.navigator.onLine = false;
  const [id] = await box.put(OPEN, "k", true);
  assert.equal(store.state.pending.get("l1"), "open");
  await box.undo(id);
  assert.deepEqual([store.state.pending.size, store.state.waiting.length], [0, 2]);
});

test("products are changed and deleted in their order, and one that is gone needs no deletion", async () => {
  const { box, database, node, store } = outbox();
  globalThis.navigator.onLine = false;
  const edit = { kind: "edit", subject: "p1", method: "PATCH", path: "products/p1", body: { name: "Oat milk" }, household: "" };
  await box.put(edit, "k1", false);
  assert.deepEqual([store.state.products.get("p1").name, store.state.waiting[0].name], ["Oat milk", "Milk"]);
  await box.put({ ...edit, kind: "delete", method: "DELETE", body: {} }, "k2", false);
  assert.equal(store.state.products.has("p1"), false);
  globalThis.navigator.onLine = true;
  node.answer = async (method) => (method === "DELETE" ? refusal(404)() : {});
  await box.flush();
  assert.deepEqual([node.sent, database.rows.size], [["PATCH products/p1", "DELETE products/p1"], 0]);
});

test("a product is shown as the node has it when its change is refused", async () => {
  const { box, database, node } = outbox();
  node.answer = refusal(422);
  await box.put({ kind: "edit", subject: "p1", method: "PATCH", path: "products/p1", body: { name: "" }, household: "" }, "k", true);
  await box.flush();
  assert.equal([...database.rows.values()][0].conflict.reason, "No.");
  assert.ok(node.changed.includes("p1"));
});

/** Mocks the clock, and returns a function that lets so many seconds pass, and what was sent in them. */
function clock(t, { node }) {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"], now: 1_000_000 });
  return async (seconds) => {
    node.sent.length = 0;
    t.mock.timers.tick(seconds * 1000);
    await turns();
    return [...node.sent];
  };
}

test("what the node fails to do is tried five times with longer and longer pauses, and others go on", async (t) => {
  const all = outbox();
  const { box, database, node } = all;
  const pass = clock(t, all);
  globalThis.navigator.onLine = false;
  node.answer = async (method, path) => {
    if (path === "lots/l1/open") throw new ApiError(500, "", 0);
    return method === "GET" ? { ...LOT, id: path.slice(5) } : { movements: [] };
  };
  const edit = { kind: "edit", subject: "p2", method: "PATCH", path: "products/p2", body: { name: "Tea" }, household: "" };
  await box.put(OPEN, "k", true);
  await box.put({ ...OPEN, path: "lots/l1/consume" }, "k1", false); // of the same lot
  await box.put({ kind: "delete", subject: "p1", method: "DELETE", path: "products/p1", body: {}, household: "" }, "k2", false);
  await box.put(edit, "k3", true);
  globalThis.navigator.onLine = true;
  await box.flush();
  assert.deepEqual(node.sent.filter((each) => !each.startsWith("GET")), ["POST lots/l1/open", "PATCH products/p2"]);
  node.sent.length = 0;
  await box.flush();
  assert.deepEqual(node.sent, [], "a new change and the next connection do not shorten the pause");
  for (const seconds of [15, 30, 60, 120]) {
    assert.deepEqual(await pass(seconds - 2), []);
    assert.ok((await pass(2)).includes("POST lots/l1/open"), `after ${seconds} s`);
  }
  assert.deepEqual(await pass(3600), [], "a person is asked");
  const [open, ...others] = database.rows.values();
  const { theirs, reason, failed } = open.conflict;
  assert.deepEqual([theirs, failed, open.key], [null, true, "k"]);
  assert.match(reason, /failed to do this 5 times \(error 500\)/);
  assert.deepEqual(others.map(({ kind }) => kind), ["lot", "delete"], "they go the same way");

  node.answer = async (method, path) => (method === "GET" ? { ...LOT, id: path.slice(5) } : { ...LOT, movements: [] });
  await box.applyMine(open.id);
  assert.equal(database.rows.size, 0);
});

test("what failed is sent again with its key by a person's wish, and is dropped by another one", async (t) => {
  const all = outbox();
  const { box, database, node } = all;
  const pass = clock(t, all);
  const keys = [];
  all.app.session.call = async (method, path, body, as, headers) => {
    if (headers["Idempotency-Key"]) keys.push(headers["Idempotency-Key"]);
    return node.answer();
  };
  node.answer = async () => Promise.reject(new ApiError(500, "", 0));
  const add = { kind: "add", subject: "", path: "products", body: { name: "Tea" }, household: "" };
  const id = (await box.put(add, "k", true))[0];
  await box.flush();
  for (const seconds of [15, 30, 60, 120]) await pass(seconds);
  await box.applyMine(id);
  assert.deepEqual([keys.length, new Set(keys).size], [6, 1]);
  assert.equal(database.rows.get(id).conflict, null, "five tries again");
  for (const seconds of [15, 30, 60, 120]) await pass(seconds);
  assert.equal(database.rows.get(id).conflict.failed, true);
  await box.keepTheirs(id);
  assert.equal(database.rows.size, 0);
});

test("a node without its database is no fault of a change, and is asked again by one timer", async (t) => {
  const all = outbox();
  const { box, database, node } = all;
  const pass = clock(t, all);
  node.answer = refusal(503);
  for (const lot of ["l1", "l2"]) await box.put({ ...OPEN, subject: lot, path: `lots/${lot}/open` }, lot, true);
  await box.flush();
  for (let tries = 0; tries < 9; tries += 1) assert.equal((await pass(15)).length, 1);
  assert.deepEqual([...database.rows.values()].map(({ conflict }) => conflict), [null, null]);
});

test("a change that the node can't read is refused like any other", async () => {
  const { box, database, node } = outbox();
  node.answer = refusal(400);
  await box.put({ kind: "edit", subject: "p1", method: "PATCH", path: "products/p1", body: { name: "" }, household: "" }, "k", true);
  await box.flush();
  assert.equal([...database.rows.values()][0].conflict.reason, "No.");
});

const NOTE = { id: "n1", message: "Milk expires", type: "info", created_at: "", seq: 1, productId: null, event: "expiring", readAt: null, snoozedUntil: null };

test("a snooze shows at once, and is taken back if the node refuses it", async () => {
  const store = new Store({ ...INITIAL, signedIn: true });
  store.update(withInboxPage, "all", [{ ...NOTE, read: false }], null, true);
  let refuse;
  const snooze = () => new Promise((_, reject) => (refuse = () => reject(new ApiError(422, "Too late.", 0))));
  const mailbox = new Mailbox(store, { snooze });
  const done = mailbox.snooze("n1", { until: "2026-03-05T08:00:00Z" });
  const shown = () => store.state.inbox.items.get("n1");
  assert.deepEqual([shown().read, shown().snoozedUntil], [true, "2026-03-05T08:00:00Z"]);
  refuse();
  await assert.rejects(done, ApiError);
  assert.deepEqual([shown().read, shown().snoozedUntil], [false, null]);
});

test("all notifications that the page has are marked read by one change, which waits without the node", async () => {
  const { box, database, node, store } = outbox();
  const notes = [{ ...NOTE, read: false }, { ...NOTE, id: "n2", seq: 2, read: false }];
  store.update(withInboxPage, "all", notes, "more", true);
  globalThis.navigator.onLine = false;
  const changes = new Changes(store, { call: async () => Promise.reject(new TypeError()) }, async () => ({ outbox: box }));
  const mailbox = new Mailbox(store, new Api(async () => ({ unread: 0 }), (change) => changes.send(change)));
  await mailbox.markAllRead();
  assert.deepEqual([...store.state.inbox.items.values()].map(({ read }) => read), [true, true]);
  assert.deepEqual([...database.rows.values()].map(({ path }) => path), ["notifications/read-all?upTo=2"]);
  globalThis.navigator.onLine = true;
  await box.flush();
  assert.deepEqual([node.sent, database.rows.size], [["POST notifications/read-all?upTo=2"], 0]);
});

test("nothing is marked read of which the page has shown nothing", async () => {
  const store = new Store({ ...INITIAL, signedIn: true, unread: 3 });
  const mailbox = new Mailbox(store, { notifications: async () => Promise.reject(new TypeError()) });
  await assert.rejects(mailbox.markAllRead(), TypeError);
});

test("the snoozed notifications have more pages than one", async () => {
  const store = new Store({ ...INITIAL, signedIn: true, inbox: { ...INITIAL.inbox, filter: "snoozed" } });
  const pages = { first: [3, "2"], 2: [2, null] };
  const notifications = async (_, cursor) => {
    const [seq, nextCursor] = pages[cursor ?? "first"];
    return { items: [{ ...NOTE, id: `n${seq}`, seq, snoozedUntil: "2026-03-05T08:00:00Z" }], nextCursor };
  };
  const mailbox = new Mailbox(store, { notifications });
  await mailbox.load();
  await mailbox.more();
  assert.deepEqual(store.state.inbox.ids, ["n3", "n2"]);
  await turns();
});
