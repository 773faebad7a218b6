// Acknowledgements: kept, and sent until the server has them.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connected, id, listen, make, pass, set, settle, socket, Socket } from "./stage.js";

beforeEach(() => set());

const marks = (...numbers) => ({ action: "mark_read", ids: numbers.map(id) });

const mark = (number) => ({ action: "mark_read", id: id(number) });

const upTo = (count) => Array.from({ length: count }, (_, number) => number + 1);

/** True if it is done by now. */
async function done(promise) {
  let is = false;
  promise.then(() => (is = true));
  await settle();
  return is;
}

test("a mark is confirmed by the pong of the PING behind it", async () => {
  const { notifications, handled } = await connected();
  socket().notify(1);
  await handled[0].markRead();
  const settled = notifications.flush();
  assert.deepEqual(socket().frames(), [marks(1), "PING"]);
  assert.equal(await done(settled), false);
  socket().pong();
  assert.equal(await done(settled), true);
});

test("the pong of an earlier PING confirms nothing", async () => {
  const { notifications } = await connected();
  await pass(30);
  await notifications.markRead(id(1));
  const settled = notifications.flush();
  assert.deepEqual(socket().frames(), ["PING", marks(1), "PING"]);
  socket().pong();
  assert.equal(await done(settled), false);
  socket().pong();
  assert.equal(await done(settled), true);
});

test("marks queued while a batch is in flight go together with the next one", async () => {
  const { notifications } = await connected();
  await notifications.markRead(id(1));
  await notifications.markRead(id(2));
  await notifications.markRead(id(3), id(2));
  assert.deepEqual(socket().frames(), [marks(1), "PING"]);
  socket().pong();
  assert.deepEqual(socket().frames(), [marks(2, 3), "PING"]);
});

test("a flush does not wait for later marks", async () => {
  const { notifications } = await connected();
  await notifications.markRead(id(1));
  const settled = notifications.flush();
  await notifications.markRead(id(2));
  const later = notifications.flush();
  socket().pong();
  assert.equal(await done(settled), true);
  assert.equal(await done(later), false);
});

test("unconfirmed marks are sent again on the next connection, oldest first", async () => {
  const { notifications } = await connected();
  await notifications.markRead(id(2));
  await notifications.markRead(id(1));
  const settled = notifications.flush();
  socket().end(1006);
  await notifications.markRead(id(3));
  await pass(0.5);
  assert.deepEqual(socket().frames(), []);
  socket().greet();
  assert.deepEqual(socket().frames(), [marks(2, 1, 3), "PING"]);
  socket().pong();
  assert.equal(await done(settled), true);
  socket().end(1006);
  await pass(1);
  socket().greet();
  assert.deepEqual(socket().frames(), []);
});

test("a pong of the old connection confirms nothing on the new one", async () => {
  const { notifications } = await connected();
  await notifications.markRead(id(1));
  const [old] = Socket.all;
  old.end(1006);
  await pass(0.5);
  socket().greet();
  old.pong();
  assert.equal(await done(notifications.flush()), false);
});

test("on a plain session a frame carries one id", async () => {
  const { notifications } = listen();
  await settle();
  socket().greet("");
  await notifications.markRead(id(1), id(2));
  assert.deepEqual(socket().frames(), [mark(1), mark(2), "PING"]);
});

test("on an extended session it carries ninety, and never what can't be an id", async () => {
  const { notifications } = await connected();
  await notifications.markRead(...upTo(100).map(id), "no UUID");
  const sent = socket().frames();
  assert.deepEqual(sent, [marks(...upTo(90)), marks(...upTo(100).slice(90)), "PING"]);
  assert.ok(JSON.stringify(sent[0]).length < 4096);
  socket().pong();
  assert.equal(await done(notifications.flush()), true);
});

test("while a thousand marks are not settled nothing more is handed over", async () => {
  const { notifications, handled } = await connected();
  await notifications.markRead(...upTo(1000).map(id));
  socket().notify(2001);
  assert.equal(handled.length, 0);
  socket().pong();
  await settle();
  assert.equal(handled.length, 1);
});

test("all are marked by one frame, and after a lost line only those that came", async () => {
  const { notifications } = await connected();
  socket().notify(1, 2);
  await notifications.markAllRead();
  const settled = notifications.flush();
  assert.deepEqual(socket().frames(), [{ action: "mark_all_read" }, "PING"]);
  socket().end(1006);
  await pass(0.5);
  socket().greet();
  assert.deepEqual(socket().frames(), [marks(1, 2), "PING"]);
  socket().pong();
  assert.equal(await done(settled), true);
});

test("all that came are marked on a plain session, and those that are marked are not again", async () => {
  const { notifications } = listen();
  await settle();
  socket().greet("");
  socket().notify(1, 2, 3);
  await notifications.markRead(id(2));
  socket().pong();
  socket().frames();
  await notifications.markAllRead();
  assert.deepEqual(socket().frames(), [mark(1), mark(3), "PING"]);
});

test("a notification read on another device is not marked again", async () => {
  const { notifications } = await connected();
  const events = [];
  notifications.addEventListener("read", ({ detail }) => events.push(detail));
  socket().notify(1, 2);
  socket().deliver({ type: "READ", ids: [id(1), 7], unread: 1 });
  socket().deliver({ type: "UNREAD", unread: 1 });
  socket().deliver({ type: "UNREAD" });
  assert.deepEqual(events, [{ ids: [id(1), 7], unread: 1 }, { ids: [], unread: 1 }]);
  socket().end(1006);
  await notifications.markAllRead();
  await pass(0.5);
  socket().greet();
  assert.deepEqual(socket().frames(), [marks(2), "PING"]);
});

test("a flush is interrupted when the client closes before", async () => {
  const abort = new AbortController();
  const { notifications } = await connected({ signal: abort.signal });
  await notifications.markRead(id(1));
  const settled = assert.rejects(notifications.flush(), { name: "FlushInterrupted" });
  abort.abort();
  await settled;
});

test("a flush without marks ends at once", async () => {
  const { notifications } = make();
  await notifications.flush();
});

test("a flush opens the connection", async () => {
  const { notifications } = make();
  await notifications.markRead(id(1));
  const settled = notifications.flush();
  await settle();
  socket().greet();
  assert.deepEqual(socket().frames(), [marks(1), "PING"]);
  socket().pong();
  assert.equal(await done(settled), true);
});

test("an id that is no text is the caller's mistake", async () => {
  await assert.rejects(make().notifications.markRead(7), TypeError);
});
