// close(), breaking off and aborting: nothing is left.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connected, id, listen, make, pass, pending, set, settle, socket, Socket } from "./stage.js";

beforeEach(() => set());

/** Nothing runs on, whatever comes. */
async function over({ notifications, states }) {
  assert.equal(notifications.state.name, "closed");
  assert.equal(pending(), 0);
  const [sockets, changes] = [Socket.all.length, states.length];
  for (const each of Socket.all) {
    assert.ok(each.closedWith);
    each.notify(77);
    each.end(1006);
  }
  await pass(100);
  assert.deepEqual([Socket.all.length, states.length], [sockets, changes]);
}

test("close brings the marks home, closes with 1000 and waits for the answer", async () => {
  const made = await connected();
  await made.notifications.markRead(id(1));
  let closed = false;
  const closing = made.notifications.close().then(() => (closed = true));
  await settle();
  assert.equal(socket().closedWith, undefined);
  await made.notifications.markRead(id(2)); // there is still time
  socket().pong();
  await settle();
  assert.equal(socket().closedWith, undefined);
  socket().pong();
  await settle();
  assert.equal(socket().closedWith, 1000);
  assert.equal(closed, false);
  socket().end(1000);
  await closing;
  assert.deepEqual(made.names(), ["connecting", "connected", "closed"]);
  await over(made);
});

test("close waits for a silent server so long, and no longer", async () => {
  const made = await connected();
  await made.notifications.markRead(id(1));
  let closed = false;
  void made.notifications.close().then(() => (closed = true));
  await pass(4.9);
  assert.equal(socket().closedWith, undefined);
  await pass(0.2);
  assert.equal(socket().closedWith, 1000);
  await pass(4.7);
  assert.equal(closed, false);
  await pass(0.3);
  assert.equal(closed, true);
  await over(made);
});

test("a line that is lost while closing is the end, and no attempt follows", async () => {
  const made = await connected();
  await made.notifications.markRead(id(1));
  const closing = made.notifications.close();
  socket().end(1006);
  await closing;
  assert.deepEqual(made.names(), ["connecting", "connected", "closed"]);
  await over(made);
});

test("close ends a wait, an attempt, a fetch and what was never begun", async () => {
  const never = () => new Promise(() => {});
  const waiting = listen();
  await settle();
  socket().end(1006);
  const attempt = listen();
  const fetching = listen({ token: never });
  const idle = make();
  await settle();
  for (const made of [waiting, attempt, fetching, idle]) await made.notifications.close();
  for (const made of [waiting, attempt, fetching, idle]) await over(made);
});

test("closing twice is as good as once", async () => {
  const made = await connected();
  const both = Promise.all([made.notifications.close(), made.notifications.close()]);
  await settle();
  socket().end(1000);
  await both;
  await made.notifications.close();
  await over(made);
});

test("closing ends the iteration, and what waits is not handed over", async () => {
  const made = make();
  const iterator = made.notifications[Symbol.asyncIterator]();
  const first = iterator.next();
  await settle();
  socket().greet();
  socket().notify(1, 2, 3);
  await first;
  const closing = made.notifications.close();
  const step = iterator.next();
  await settle();
  socket().end(1000);
  assert.equal((await step).done, true);
  await closing;
  assert.equal((await made.notifications[Symbol.asyncIterator]().next()).done, true);
});

test("a notification that arrives while closing is dropped", async () => {
  const { notifications, handled } = await connected();
  void notifications.close();
  socket().notify(1);
  assert.deepEqual(handled, []);
});

test("breaking off closes", async () => {
  const made = make();
  const loop = (async () => {
    for await (const { message } of made.notifications) if (message == "n1") break;
  })();
  await settle();
  socket().greet();
  socket().notify(1, 2);
  await settle();
  assert.equal(socket().closedWith, 1000);
  socket().end(1000);
  await loop;
  await over(made);
});

test("an abort ends it at once, and the iteration without an error", async () => {
  const abort = new AbortController();
  const made = make({ signal: abort.signal });
  const step = made.notifications[Symbol.asyncIterator]().next();
  await settle();
  socket().greet();
  await made.notifications.markRead(id(1));
  abort.abort();
  assert.equal(socket().closedWith, "cut");
  assert.equal((await step).done, true);
  await over(made);
});

test("a signal that was aborted before opens nothing", async () => {
  const made = listen({ signal: AbortSignal.abort() });
  await settle();
  assert.equal(Socket.all.length, 0);
  await over(made);
});

test("a listener that closes in the midst of a step ends it", async () => {
  for (const name of ["connecting", "connected", "waiting"]) {
    set();
    const made = make();
    made.notifications.addEventListener("state", ({ detail }) => {
      if (detail.name == name) void made.notifications.close();
    });
    made.notifications.addEventListener("notification", () => {});
    await settle();
    if (name != "connecting") socket().greet();
    if (name != "connecting") socket().end(1000);
    await settle();
    await over(made);
  }
});

test("a refusal leaves nothing behind", async () => {
  const made = await connected();
  socket().end(1008, "Access revoked");
  assert.equal(made.notifications.state.name, "closed");
  assert.equal(pending(), 0);
});
