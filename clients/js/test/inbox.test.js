// Each notification once, in order, and nothing piles up.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { MemoryCursor } from "../client.js";
import { connected, id, iterate, listen, make, notification, numbersOf, pass, set, settle, since, socket } from "./stage.js";

beforeEach(() => set());

test("each is handed over once, through repeated frames and lost connections", async () => {
  const { handled } = await connected();
  socket().notify(1, 2, 2, 1);
  socket().end(1006);
  await pass(0.5);
  socket().greet();
  socket().notify(1, 2, 3);
  assert.deepEqual(numbersOf(handled), [1, 2, 3]);
});

test("ten thousand ids are remembered, and no more", async () => {
  const { handled } = await connected();
  for (let number = 1; number <= 10_001; number++) socket().notify(number);
  handled.length = 0;
  socket().notify(2, 10_001);
  assert.equal(handled.length, 0);
  socket().notify(1);
  assert.equal(handled.length, 1);
});

test("the first connection asks for what is unread, each later one for what is newer", async () => {
  await connected();
  assert.equal(since(), null);
  socket().notify(1, 2);
  socket().end(1006);
  await pass(0.5);
  assert.equal(since(), id(2));
});

test("notifications come in order, however slowly they are taken", async () => {
  const { take, first } = await iterate();
  socket().notify(1, 2, 3);
  assert.deepEqual(numbersOf([(await first).value]), [1]);
  assert.deepEqual(await take(2), [2, 3]);
});

test("a full buffer closes, takes nothing after, and comes back when half is worked off", async () => {
  const made = await iterate({ buffer: 4 });
  const [line] = [socket()];
  line.notify(1, 2, 3, 4, 5); // one is handed over at once
  assert.equal(line.closedWith, undefined);
  line.notify(6);
  assert.equal(line.closedWith, 1000);
  const { name, wait, reason } = made.notifications.state;
  assert.deepEqual([name, wait, reason], ["waiting", null, "Buffer full"]);
  await made.first;
  assert.deepEqual(await made.take(1), [2]);
  await settle();
  assert.equal(socket(), line);
  assert.deepEqual(await made.take(1), [3]);
  await settle();
  assert.notEqual(socket(), line);
  assert.equal(since(), id(5));
  socket().greet();
  socket().notify(6, 7);
  assert.deepEqual(await made.take(4), [4, 5, 6, 7]);
});

test("what was not taken because the buffer was full is not passed over by what comes after", async () => {
  const made = await iterate({ buffer: 4 });
  await made.notifications.markRead(id(99)); // so that the line stays for the pong
  const [line] = [socket()];
  line.notify(1, 2, 3, 4, 5, 6);
  await made.first;
  assert.deepEqual(await made.take(1), [2]); // there is room again, but not yet half
  line.notify(7);
  assert.deepEqual(await made.take(1), [3]);
  await settle();
  assert.equal(since(), id(5));
  socket().greet();
  socket().notify(6, 7);
  assert.deepEqual(await made.take(4), [4, 5, 6, 7]);
});

const read = (number) => ({ ...notification(number), seq: number, readAt: "2026-03-05T00:00:00Z" });

const unread = (number) => ({ ...notification(number), seq: number, readAt: null });

/** The server's first frame on an extended session, when so many notifications have arisen. */
function greet(seq) {
  socket().protocol = "useby.v1";
  socket().deliver({ type: "CONNECTION_ESTABLISHED", seq });
}

test("history before the first connection is not delivered by a later one", async () => {
  const { handled } = listen();
  await settle();
  greet(5);
  socket().deliver(unread(1)); // 2 to 4 were read long ago, and the line breaks before 5
  socket().end(1006);
  await pass(0.5);
  greet(7);
  for (const frame of [read(2), read(3), read(4)]) socket().deliver(frame);
  socket().end(1006);
  await pass(1);
  assert.equal(since(), id(4)); // they are not asked for again
  greet(7);
  for (const frame of [unread(5), read(6), unread(7)]) socket().deliver(frame);
  assert.deepEqual(numbersOf(handled), [1, 5, 6, 7]); // 6 was read elsewhere in between
});

test("history is not delivered after a restart, and what was read in between is", async () => {
  const cursor = new MemoryCursor();
  listen({ cursor });
  await settle();
  greet(3);
  socket().deliver(unread(1));
  set();
  const { handled } = listen({ cursor });
  await settle();
  assert.equal(since(), id(1));
  greet(4);
  for (const frame of [read(2), unread(3), read(4)]) socket().deliver(frame);
  assert.deepEqual(numbersOf(handled), [3, 4]);
});

test("history is not delivered after the buffer was full", async () => {
  const made = make({ buffer: 1 });
  const iterator = made.notifications[Symbol.asyncIterator]();
  const take = async () => numbersOf([(await iterator.next()).value]);
  const first = take();
  await settle();
  greet(6);
  for (const number of [1, 2, 6]) socket().deliver(unread(number));
  assert.equal(made.notifications.state.reason, "Buffer full");
  assert.deepEqual(await first, [1]);
  assert.deepEqual(await take(), [2]);
  await settle();
  assert.equal(since(), id(2));
  greet(6);
  for (const number of [3, 4, 5]) socket().deliver(read(number));
  assert.equal(made.notifications.state.name, "connected");
  socket().deliver(unread(6));
  assert.deepEqual(await take(), [6]);
});
