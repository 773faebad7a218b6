// Values that the application receives.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connected, id, listen, notification, numbersOf, set, settle, socket } from "./stage.js";

beforeEach(() => set());

test("a notification says what the server says", async () => {
  const { handled } = await connected();
  socket().notify(1);
  socket().deliver({ ...notification(2), seq: 7, event: "expired", productId: "p", daysLeft: -1,
    expiresOn: "2026-03-04", readAt: "2026-03-05T00:00:00Z", householdId: "h" });
  const none = { seq: null, event: null, productId: null, expiresOn: null, daysLeft: null,
    householdId: null, items: null };
  const same = { type: "info", productName: "Milk", createdAt: new Date("2026-03-04T10:30:00Z") };
  const [{ markRead, ...plain }, { markRead: other, ...extended }] = handled;
  assert.deepEqual(plain, { id: id(1), message: "n1", ...same, ...none, readAt: null });
  assert.deepEqual(extended, { id: id(2), message: "n2", ...same, seq: 7, event: "expired",
    productId: "p", daysLeft: -1, expiresOn: "2026-03-04", readAt: new Date("2026-03-05"),
    householdId: "h", items: null });
  assert.ok(markRead && other && Object.isFrozen(handled[0]));
});

test("a summary has its most urgent items", async () => {
  const { handled } = await connected();
  const items = [{ productId: "p", lotId: null, message: "Ham expired", severity: "error" }];
  socket().deliver({ ...notification(1), event: "summary", items });
  assert.deepEqual(handled[0].items, items);
});

test("a node of an earlier version may leave out what was added later", async () => {
  const { handled, notifications } = listen();
  await settle();
  socket().greet("useby.v1");
  const { productName, ...older } = notification(1);
  socket().deliver({ ...older, seq: 1 });
  assert.equal(notifications.state.extended, true);
  assert.equal(productName, "Milk");
  assert.deepEqual([handled[0].productName, handled[0].seq, handled[0].event], ["", 1, null]);
});

test("a time without a zone is UTC", async () => {
  const { handled } = await connected();
  for (const [number, text] of ["2026-03-04T10:30:00", "2026-03-04T11:30:00+01:00"].entries()) {
    socket().deliver({ ...notification(number), created_at: text });
    assert.equal(handled.at(-1).createdAt.toISOString(), "2026-03-04T10:30:00.000Z");
  }
});

test("a frame that is no notification is ignored", async () => {
  const made = await connected();
  for (const frame of ["{", "null", "7", "[]", "{}", { ...notification(1), id: 7 },
    { ...notification(1), type: "INFO" }, { type: ["info"] }, { type: "pong" }]) {
    socket().deliver(frame);
  }
  socket().onmessage({ data: new Blob(["{}"]) });
  socket().notify(2);
  assert.deepEqual(numbersOf(made.handled), [2]);
  assert.equal(made.notifications.state.name, "connected");
});

test("the unread count of an extended greeting is a read event after the state", async () => {
  const trace = [];
  const { notifications } = listen();
  notifications.addEventListener("state", ({ detail }) => trace.push(detail.name));
  notifications.addEventListener("read", ({ detail }) => trace.push(detail));
  await settle();
  socket().greet("useby.v1", { seq: 9, unread: 0 });
  assert.deepEqual(trace, ["connected", { ids: [], unread: 0 }]);
});

test("a listener that closes on the greeting gets no unread count", async () => {
  const end = new AbortController();
  const { notifications } = listen({ signal: end.signal });
  const counts = [];
  notifications.addEventListener("state", ({ detail }) => detail.name == "connected" && end.abort());
  notifications.addEventListener("read", ({ detail }) => counts.push(detail));
  await settle();
  socket().greet("useby.v1", { seq: 9, unread: 3 });
  assert.deepEqual(counts, []);
});

test("a changed product is an event with its lots", async () => {
  const { notifications } = await connected();
  const events = [];
  notifications.addEventListener("product", ({ detail }) => events.push(detail));
  const lots = [{ id: "l", productId: "p", quantity: "2", state: "opened" }];
  const milk = { id: "p", lotCount: 1, lots };
  socket().deliver({ type: "PRODUCT", change: "updated", product: milk, householdId: "h" });
  socket().deliver({ type: "PRODUCT", change: "closed", product: { id: "p" } });
  assert.deepEqual(events, [
    { change: "updated", product: milk, householdId: "h" },
    { change: "closed", product: { id: "p" } },
  ]);
});
