// The application's side: iteration, listeners, marks that are awaited.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ConnectionRejected } from "../client.js";
import { connected, iterate, make, notification, numbersOf, set, settle, socket } from "./stage.js";

beforeEach(() => set());

test("marks go out although the buffer is full, when somebody waits for them", async () => {
  const made = await iterate({ buffer: 4 });
  const [line] = [socket()];
  line.notify(1, 2, 3, 4, 5, 6);
  await (await made.first).value.markRead();
  await settle();
  assert.equal(socket(), line);
  const settled = made.notifications.flush();
  await settle();
  assert.notEqual(socket(), line);
  socket().greet();
  socket().notify(6);
  assert.equal(socket().closedWith, undefined);
  socket().pong();
  await settled;
  assert.equal(socket().closedWith, 1000);
});

test("a listener that does what leads to the next one hears them in turn", async () => {
  const { notifications } = make();
  const trace = [];
  notifications.addEventListener("notification", ({ detail }) => {
    trace.push(`${detail.message} in`);
    if (detail.message == "n1") socket().notify(2);
    void detail.markRead();
    trace.push(`${detail.message} out`);
  });
  await settle();
  socket().greet();
  socket().notify(1);
  assert.deepEqual(trace, ["n1 in", "n1 out", "n2 in", "n2 out"]);
});

test("a listener may be added late, and gets what waits", async () => {
  const { notifications, iterator, first } = await iterate();
  socket().notify(1, 2, 3);
  await first;
  const { handled } = listenTo(notifications);
  assert.deepEqual(numbersOf(handled), [2, 3]);
  await iterator.return();
  assert.equal(notifications.state.name, "connected");
});

function listenTo(notifications) {
  const handled = [];
  notifications.addEventListener("notification", ({ detail }) => handled.push(detail));
  return { handled };
}

test("an end is thrown out of the iteration, each time", async () => {
  const { notifications } = make();
  const wanted = { name: "ConnectionRejected", code: 1008, reason: "Unknown user" };
  const first = notifications[Symbol.asyncIterator]().next();
  await settle();
  socket().end(1008, "Unknown user");
  await assert.rejects(first, wanted);
  await assert.rejects(notifications[Symbol.asyncIterator]().next(), wanted);
  await assert.rejects(notifications[Symbol.asyncIterator]().next(), ConnectionRejected);
});
