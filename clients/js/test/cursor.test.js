// The position of a program, kept across its runs.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { MemoryCursor, StorageCursor } from "../client.js";
import { connected, id, iterate, numbersOf, pass, set, settle, since, socket } from "./stage.js";

beforeEach(() => set());

test("one that was handed over is handled when the next is asked for, or when it is marked", async () => {
  const cursor = new MemoryCursor();
  const made = await iterate({ cursor });
  const kept = () => JSON.parse(cursor.load() || "{}").after;
  socket().notify(1, 2, 3);
  await made.first;
  assert.equal(kept(), undefined);
  const { value } = await made.iterator.next();
  assert.equal(kept(), id(1));
  await value.markRead();
  assert.equal(kept(), id(2));
  await made.notifications.markRead(id(1)); // it is no step back
  assert.equal(kept(), id(2));
});

test("a program that starts again goes on from what it had handled, with its marks", async () => {
  const cursor = new MemoryCursor();
  const before = await iterate({ cursor });
  socket().notify(1, 2, 3);
  await (await before.first).value.markRead();
  await before.iterator.next();
  const over = before.iterator.return();
  await settle();
  await pass(5.1); // the mark is not answered
  socket().end(1000);
  await over;
  set();
  const { handled } = await connected({ cursor });
  assert.equal(since(), id(1));
  assert.deepEqual(socket().frames()[0], { action: "mark_read", ids: [id(1)] });
  socket().notify(2, 3);
  assert.deepEqual(numbersOf(handled), [2, 3]);
});

test("an unreadable text of a cursor counts as empty", async () => {
  for (const text of ["", "{", "null", "[]", '{"after":7,"marks":[7,null]}', '{"marks":7}']) {
    await connected({ cursor: { load: () => text, save() {} } });
    assert.equal(since(), null);
    assert.deepEqual(socket().frames(), []);
  }
});

/** A cursor that throws whenever it is to save, and how often that was. */
function broken() {
  const cursor = {
    saves: 0,
    load: () => "",
    save() {
      cursor.saves++;
      throw new Error("the disk is full");
    },
  };
  return cursor;
}

/** Run this; return the errors of promises that nobody awaited. */
async function reported(run) {
  const own = process.listeners("unhandledRejection");
  const errors = [];
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error) => errors.push(error.message));
  await run();
  await settle();
  process.removeAllListeners("unhandledRejection");
  for (const each of own) process.on("unhandledRejection", each);
  return errors;
}

test("a cursor that throws costs a listener nothing, and the platform gets the error", async () => {
  const made = await connected({ cursor: broken() });
  const errors = await reported(async () => {
    socket().notify(1);
    socket().notify(2, 3);
  });
  assert.deepEqual(numbersOf(made.handled), [1, 2, 3]);
  assert.deepEqual(errors, Array(3).fill("the disk is full"));
});

test("a cursor that throws when marks are settled does not hold the next ones up", async () => {
  const { notifications } = await connected({ cursor: broken() });
  const errors = await reported(async () => {
    for (const number of [1, 2]) {
      await assert.rejects(notifications.markRead(id(number)), { message: "the disk is full" });
    }
    assert.deepEqual(socket().frames().length, 2);
    const settled = notifications.flush();
    socket().pong();
    assert.deepEqual(socket().frames(), [{ action: "mark_read", ids: [id(2)] }, "PING"]);
    socket().pong();
    await settled;
  });
  assert.equal(errors.length, 2);
});

test("an error of the cursor is thrown by the iteration", async () => {
  const made = await iterate({ cursor: broken() });
  socket().notify(1, 2);
  await made.first;
  const next = made.iterator.next();
  await settle();
  socket().end(1000); // the client has closed
  await assert.rejects(next, { message: "the disk is full" });
});

test("a storage keeps the place under its key; one that is full is borne", async () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) };
  const cursor = new StorageCursor("me", storage);
  assert.equal(cursor.load(), "");
  cursor.save("text");
  assert.equal(new StorageCursor("me", storage).load(), "text");
  assert.equal(new StorageCursor("you", storage).load(), "");
  storage.setItem = () => {
    throw new Error("full");
  };
  cursor.save("more");
  assert.equal(cursor.load(), "text");
});
