// What is handed over: each once, in order, and nothing piles up.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { MemoryCursor, StorageCursor } from "../client.js";
import { connected, id, listen, make, notification, pass, set, settle, socket } from "./stage.js";

beforeEach(() => set());

const since = () => socket().url.searchParams.get("since");
const said = (heard) => heard.map(({ message }) => Number(message.slice(1)));

/** Iterates step by step: `take()` asks for the next one and says its number. */
async function iterate(options) {
  const made = make(options);
  const iterator = made.notifications[Symbol.asyncIterator]();
  const take = async (count) => {
    const found = [];
    while (found.length < count) found.push((await iterator.next()).value);
    return said(found);
  };
  const first = iterator.next();
  await settle();
  socket().greet();
  return { ...made, iterator, take, first };
}

test("a notification says what the server says", async () => {
  const { heard } = await connected();
  socket().notify(1);
  socket().say({ ...notification(2), seq: 7, event: "expired", productId: "p", daysLeft: -1,
    expiresOn: "2026-03-04", readAt: "2026-03-05T00:00:00Z" });
  const none = { seq: null, event: null, productId: null, expiresOn: null, daysLeft: null };
  const same = { type: "info", productName: "Milk", createdAt: new Date("2026-03-04T10:30:00Z") };
  const [{ markRead, ...plain }, { markRead: other, ...extended }] = heard;
  assert.deepEqual(plain, { id: id(1), message: "n1", ...same, ...none, readAt: null });
  assert.deepEqual(extended, { id: id(2), message: "n2", ...same, seq: 7, event: "expired",
    productId: "p", daysLeft: -1, expiresOn: "2026-03-04", readAt: new Date("2026-03-05") });
  assert.ok(markRead && other && Object.isFrozen(heard[0]));
});

test("a time without a zone is UTC", async () => {
  const { heard } = await connected();
  for (const [number, text] of ["2026-03-04T10:30:00", "2026-03-04T11:30:00+01:00"].entries()) {
    socket().say({ ...notification(number), created_at: text });
    assert.equal(heard.at(-1).createdAt.toISOString(), "2026-03-04T10:30:00.000Z");
  }
});

test("what is no notification is passed over", async () => {
  const made = await connected();
  for (const frame of ["{", "null", "7", "[]", "{}", { ...notification(1), id: 7 },
    { ...notification(1), type: "INFO" }, { type: ["info"] }, { type: "pong" }]) {
    socket().say(frame);
  }
  socket().onmessage({ data: new Blob(["{}"]) });
  socket().notify(2);
  assert.deepEqual(said(made.heard), [2]);
  assert.equal(made.notifications.state.name, "connected");
});

test("each is handed over once, through repeated frames and lost connections", async () => {
  const { heard } = await connected();
  socket().notify(1, 2, 2, 1);
  socket().end(1006);
  await pass(0.5);
  socket().greet();
  socket().notify(1, 2, 3);
  assert.deepEqual(said(heard), [1, 2, 3]);
});

test("ten thousand ids are remembered, and no more", async () => {
  const { heard } = await connected();
  for (let number = 1; number <= 10_001; number++) socket().notify(number);
  heard.length = 0;
  socket().notify(2, 10_001);
  assert.equal(heard.length, 0);
  socket().notify(1);
  assert.equal(heard.length, 1);
});

test("the first connection asks for what is unread, each later one for what is newer", async () => {
  await connected();
  assert.equal(since(), null);
  socket().notify(1, 2);
  socket().end(1006);
  await pass(0.5);
  assert.equal(since(), id(2));
});

test("an extended session is asked for, unless the server is said to know none", async () => {
  await connected();
  assert.deepEqual(socket().protocols, ["useby.v1"]);
  const made = await connected({ extended: false });
  assert.deepEqual(socket().protocols, []);
  assert.equal(made.notifications.state.extended, false);
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

test("what a product is now is told", async () => {
  const { notifications } = await connected();
  const told = [];
  notifications.addEventListener("product", ({ detail }) => told.push(detail));
  socket().say({ type: "PRODUCT", change: "updated", product: { id: "p" } });
  assert.deepEqual(told, [{ change: "updated", product: { id: "p" } }]);
});

test("they come in order, however slowly they are taken", async () => {
  const { take, first } = await iterate();
  socket().notify(1, 2, 3);
  assert.deepEqual(said([(await first).value]), [1]);
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
  const { heard } = await connected({ cursor });
  assert.equal(since(), id(1));
  assert.deepEqual(socket().heard()[0], { action: "mark_read", ids: [id(1)] });
  socket().notify(2, 3);
  assert.deepEqual(said(heard), [2, 3]);
});

test("what a cursor kept and can't be read counts as nothing", async () => {
  for (const text of ["", "{", "null", "[]", '{"after":7,"marks":[7,null]}', '{"marks":7}']) {
    await connected({ cursor: { load: () => text, save() {} } });
    assert.equal(since(), null);
    assert.deepEqual(socket().heard(), []);
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

/** Run this; what the platform was told of meanwhile that nobody waited for. */
async function reported(run) {
  const own = process.listeners("unhandledRejection");
  const told = [];
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error) => told.push(error.message));
  await run();
  await settle();
  process.removeAllListeners("unhandledRejection");
  for (const each of own) process.on("unhandledRejection", each);
  return told;
}

test("a cursor that throws costs a listener nothing, and the platform is told", async () => {
  const made = await connected({ cursor: broken() });
  const told = await reported(async () => {
    socket().notify(1);
    socket().notify(2, 3);
  });
  assert.deepEqual(said(made.heard), [1, 2, 3]);
  assert.deepEqual(told, Array(3).fill("the disk is full"));
});

test("a cursor that throws when marks are settled does not hold the next ones up", async () => {
  const { notifications } = await connected({ cursor: broken() });
  const told = await reported(async () => {
    for (const number of [1, 2]) {
      await assert.rejects(notifications.markRead(id(number)), { message: "the disk is full" });
    }
    assert.deepEqual(socket().heard().length, 2);
    const settled = notifications.flush();
    socket().pong();
    assert.deepEqual(socket().heard(), [{ action: "mark_read", ids: [id(2)] }, "PING"]);
    socket().pong();
    await settled;
  });
  assert.equal(told.length, 2);
});

test("what a cursor throws comes out of the iteration", async () => {
  const made = await iterate({ cursor: broken() });
  socket().notify(1, 2);
  await made.first;
  const next = made.iterator.next();
  await settle();
  socket().end(1000); // the client has closed
  await assert.rejects(next, { message: "the disk is full" });
});

const read = (number) => ({ ...notification(number), seq: number, readAt: "2026-03-05T00:00:00Z" });
const unread = (number) => ({ ...notification(number), seq: number, readAt: null });

/** The server's first frame on an extended session, when so many notifications have arisen. */
function greet(seq) {
  socket().protocol = "useby.v1";
  socket().say({ type: "CONNECTION_ESTABLISHED", seq });
}

test("what was read before the first connection is not handed over by a later one", async () => {
  const { heard } = listen();
  await settle();
  greet(5);
  socket().say(unread(1)); // 2 to 4 were read long ago, and the line breaks before 5
  socket().end(1006);
  await pass(0.5);
  greet(7);
  for (const frame of [read(2), read(3), read(4)]) socket().say(frame);
  socket().end(1006);
  await pass(1);
  assert.equal(since(), id(4)); // they are not asked for again
  greet(7);
  for (const frame of [unread(5), read(6), unread(7)]) socket().say(frame);
  assert.deepEqual(said(heard), [1, 5, 6, 7]); // 6 was read elsewhere in between
});

test("nor after a restart, and what was read meanwhile is handed over there, too", async () => {
  const cursor = new MemoryCursor();
  listen({ cursor });
  await settle();
  greet(3);
  socket().say(unread(1));
  set();
  const { heard } = listen({ cursor });
  await settle();
  assert.equal(since(), id(1));
  greet(4);
  for (const frame of [read(2), unread(3), read(4)]) socket().say(frame);
  assert.deepEqual(said(heard), [3, 4]);
});

test("nor when the buffer was full in between", async () => {
  const made = make({ buffer: 1 });
  const iterator = made.notifications[Symbol.asyncIterator]();
  const take = async () => said([(await iterator.next()).value]);
  const first = take();
  await settle();
  greet(6);
  for (const number of [1, 2, 6]) socket().say(unread(number));
  assert.equal(made.notifications.state.reason, "Buffer full");
  assert.deepEqual(await first, [1]);
  assert.deepEqual(await take(), [2]);
  await settle();
  assert.equal(since(), id(2));
  greet(6);
  for (const number of [3, 4, 5]) socket().say(read(number));
  assert.equal(made.notifications.state.name, "connected");
  socket().say(unread(6));
  assert.deepEqual(await take(), [6]);
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

test("a listener may be added late, and gets what waits", async () => {
  const { notifications, iterator, first } = await iterate();
  socket().notify(1, 2, 3);
  await first;
  const { heard } = listenTo(notifications);
  assert.deepEqual(said(heard), [2, 3]);
  await iterator.return();
  assert.equal(notifications.state.name, "connected");
});

function listenTo(notifications) {
  const heard = [];
  notifications.addEventListener("notification", ({ detail }) => heard.push(detail));
  return { heard };
}

test("construction opens nothing, and takes what is no URL or no option for a mistake", async () => {
  const made = make();
  await settle();
  assert.equal(socket(), undefined);
  assert.equal(made.notifications.state.name, "idle");
  for (const options of [{ url: "node" }, { url: "ftp://node" }, { url: "http://node?x" },
    { url: "http://me@node" }, { token: 7 }, { token: undefined }, { buffer: 0 },
    { buffer: "many" }, { WebSocket: undefined }]) {
    assert.throws(() => make(options), TypeError, JSON.stringify(options));
  }
});

test("the node's address may be written in several ways", async () => {
  for (const [url, wanted] of [
    ["http://node", "ws://node/api/ws/notification"],
    ["https://node/", "wss://node/api/ws/notification"],
    ["ws://node:8000", "ws://node:8000/api/ws/notification"],
    ["wss://node/under/it/", "wss://node/under/it"],
    [new URL("http://node"), "ws://node/api/ws/notification"],
  ]) {
    listen({ url });
    await settle();
    assert.equal(socket().url.href.split("?")[0], wanted);
  }
});
