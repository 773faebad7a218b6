// Acknowledgements: kept, and sent until the server has them.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connected, id, listen, make, pass, set, settle, Socket, socket } from "./stage.js";

beforeEach(() => set());

const marks = (...numbers) => ({ action: "mark_read", ids: numbers.map(id) });
const mark = (number) => ({ action: "mark_read", id: id(number) });
const upTo = (count) => Array.from({ length: count }, (_, number) => number + 1);

/** Whether it is done by now. */
async function done(promise) {
  let is = false;
  promise.then(() => (is = true));
  await settle();
  return is;
}

test("a mark is settled by the pong of the PING behind it", async () => {
  const { notifications, heard } = await connected();
  socket().notify(1);
  await heard[0].markRead();
  const settled = notifications.flush();
  assert.deepEqual(socket().heard(), [marks(1), "PING"]);
  assert.equal(await done(settled), false);
  socket().pong();
  assert.equal(await done(settled), true);
});

test("the pong of an earlier PING settles nothing", async () => {
  const { notifications } = await connected();
  await pass(30);
  await notifications.markRead(id(1));
  const settled = notifications.flush();
  assert.deepEqual(socket().heard(), ["PING", marks(1), "PING"]);
  socket().pong();
  assert.equal(await done(settled), false);
  socket().pong();
  assert.equal(await done(settled), true);
});

test("what is noted while a lot is under way goes with the next, together", async () => {
  const { notifications } = await connected();
  await notifications.markRead(id(1));
  await notifications.markRead(id(2));
  await notifications.markRead(id(3), id(2));
  assert.deepEqual(socket().heard(), [marks(1), "PING"]);
  socket().pong();
  assert.deepEqual(socket().heard(), [marks(2, 3), "PING"]);
});

test("who waits for the marks so far does not wait for later ones", async () => {
  const { notifications } = await connected();
  await notifications.markRead(id(1));
  const settled = notifications.flush();
  await notifications.markRead(id(2));
  const later = notifications.flush();
  socket().pong();
  assert.equal(await done(settled), true);
  assert.equal(await done(later), false);
});

test("what was not settled goes out again on the next line, oldest first", async () => {
  const { notifications } = await connected();
  await notifications.markRead(id(2));
  await notifications.markRead(id(1));
  const settled = notifications.flush();
  socket().end(1006);
  await notifications.markRead(id(3));
  await pass(0.5);
  assert.deepEqual(socket().heard(), []);
  socket().greet();
  assert.deepEqual(socket().heard(), [marks(2, 1, 3), "PING"]);
  socket().pong();
  assert.equal(await done(settled), true);
  socket().end(1006);
  await pass(1);
  socket().greet();
  assert.deepEqual(socket().heard(), []);
});

test("a pong of the old line settles nothing on the new one", async () => {
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
  assert.deepEqual(socket().heard(), [mark(1), mark(2), "PING"]);
});

test("on an extended session it carries ninety, and never what can't be an id", async () => {
  const { notifications } = await connected();
  await notifications.markRead(...upTo(100).map(id), "no UUID");
  const frames = socket().heard();
  assert.deepEqual(frames, [marks(...upTo(90)), marks(...upTo(100).slice(90)), "PING"]);
  assert.ok(JSON.stringify(frames[0]).length < 4096);
  socket().pong();
  assert.equal(await done(notifications.flush()), true);
});

test("frames stay below the rate that a node allows", async () => {
  const { notifications } = listen({ timing: { pongTimeout: 1000 } });
  await settle();
  socket().greet("");
  await notifications.markRead(...upTo(200).map(id));
  const times = [];
  for (let step = 0; step < 400; step++) {
    for (const frame of socket().heard()) {
      times.push(Date.now() / 1000);
      if (frame == "PING") socket().pong();
    }
    await pass(0.05);
  }
  assert.ok(times.length > 200);
  times.forEach((time, at) => {
    const within = times.filter((other) => other >= time && other < time + 1).length;
    assert.ok(within <= 56, `${within} in a second from frame ${at}`);
  });
  assert.ok(times.at(-1) - times[0] >= (times.length - 41) / 15);
  assert.equal(await done(notifications.flush()), true);
});

test("a PING that has to wait for its turn is not missed before it was sent", async () => {
  const made = listen({ timing: { pongTimeout: 0.5 } });
  await settle();
  socket().greet("");
  await made.notifications.markRead(...upTo(30).map(id));
  socket().pong();
  await made.notifications.markRead(...upTo(60).slice(30).map(id));
  for (let step = 0; step < 100; step++) {
    for (const frame of socket().heard()) if (frame == "PING") socket().pong();
    await pass(0.05);
  }
  assert.deepEqual(made.names(), ["connecting", "connected"]);
});

test("while a thousand marks are not settled nothing more is handed over", async () => {
  const { notifications, heard } = await connected();
  await notifications.markRead(...upTo(1000).map(id));
  socket().notify(2001);
  assert.equal(heard.length, 0);
  socket().pong();
  await settle();
  assert.equal(heard.length, 1);
});

test("all are marked by one frame, and after a lost line only those that came", async () => {
  const { notifications } = await connected();
  socket().notify(1, 2);
  await notifications.markAllRead();
  const settled = notifications.flush();
  assert.deepEqual(socket().heard(), [{ action: "mark_all_read" }, "PING"]);
  socket().end(1006);
  await pass(0.5);
  socket().greet();
  assert.deepEqual(socket().heard(), [marks(1, 2), "PING"]);
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
  socket().heard();
  await notifications.markAllRead();
  assert.deepEqual(socket().heard(), [mark(1), mark(3), "PING"]);
});

test("what another device has read is not marked again", async () => {
  const { notifications } = await connected();
  const told = [];
  notifications.addEventListener("read", ({ detail }) => told.push(detail));
  socket().notify(1, 2);
  socket().say({ type: "READ", ids: [id(1), 7], unread: 1 });
  socket().say({ type: "UNREAD", unread: 1 });
  assert.deepEqual(told, [{ ids: [id(1), 7], unread: 1 }, { ids: [], unread: 1 }]);
  socket().end(1006);
  await notifications.markAllRead();
  await pass(0.5);
  socket().greet();
  assert.deepEqual(socket().heard(), [marks(2), "PING"]);
});

test("who waits for marks is told when it ends before", async () => {
  const abort = new AbortController();
  const { notifications } = await connected({ signal: abort.signal });
  await notifications.markRead(id(1));
  const settled = assert.rejects(notifications.flush(), { name: "FlushInterrupted" });
  abort.abort();
  await settled;
});

test("nothing to settle is settled", async () => {
  const { notifications } = make();
  await notifications.flush();
});

test("who waits for marks opens the connection", async () => {
  const { notifications } = make();
  await notifications.markRead(id(1));
  const settled = notifications.flush();
  await settle();
  socket().greet();
  assert.deepEqual(socket().heard(), [marks(1), "PING"]);
  socket().pong();
  assert.equal(await done(settled), true);
});

test("an id that is no text is the caller's mistake", async () => {
  await assert.rejects(make().notifications.markRead(7), TypeError);
});
