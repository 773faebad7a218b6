// Backoff, closes, offline pages and the time that a server asks for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { browse, connected, jwt, listen, pass, set, settle, socket, Socket } from "./stage.js";

beforeEach(() => set());

async function waits(made, count) {
  for (let failed = 0; failed < count; failed++) {
    await settle();
    socket().end(1006);
    await pass(made.states.at(-1).wait);
  }
  return made.states.flatMap(({ name, wait }) => (name == "waiting" ? wait : []));
}

test("each wait is twice the one before, up to the cap", async () => {
  const found = await waits(listen(), 9);
  assert.deepEqual(found, [0.5, 1, 2, 4, 8, 16, 30, 30, 30]);
});

test("the jitter is full: a wait may be anything from nothing to the whole", async () => {
  const given = [0, 0.25, 1, 0];
  const found = await waits(listen({ random: () => given.shift() ?? 0 }), 4);
  assert.deepEqual(found, [0, 0.25, 2, 0]);
});

test("no attempt is made before the wait is over", async () => {
  listen();
  await settle();
  socket().end(1006);
  await pass(0.45);
  assert.equal(Socket.all.length, 1);
  await pass(0.1);
  assert.equal(Socket.all.length, 2);
});

test("a connection resets the backoff when it stood for the stable time, and not sooner", async () => {
  const made = await connected({ timing: { pingInterval: 1000 } });
  const last = () => made.states.at(-1).wait;
  socket().end(1006);
  assert.equal(last(), 0.5);
  await pass(0.5);
  socket().greet();
  await pass(59.9);
  socket().end(1006);
  assert.equal(last(), 1);
  await pass(1);
  socket().greet();
  await pass(60);
  socket().end(1006);
  assert.equal(last(), 0.5);
});

const page = readFileSync(new URL("../../../docs/reference/clients.md", import.meta.url), "utf8");

const table = [...page.matchAll(/^\| (\d{4}) \| `(.*)` \| (the end|backoff|one fresh token).*\|$/gm)];

test("the page's table of closes is there", () => {
  assert.equal(table.length, 13);
});

for (const [, code, reason, then] of table) {
  test(`after ${code} ${reason} comes ${then}`, async () => {
    const made = await connected();
    socket().end(Number(code), reason);
    await settle();
    const state = made.states.at(-1);
    const [name, given] = {
      "the end": ["closed", reason],
      backoff: ["waiting", reason],
      "one fresh token": ["connecting", ""],
    }[then];
    assert.deepEqual([state.name, state.reason], [name, given]);
    assert.equal(state.code, given ? Number(code) : null);
  });
}

test("an unknown close, and a word of the table under another code, are waited out", async () => {
  for (const [code, reason] of [[1012, "Restart"], [1008, "?"], [1000, "Unknown user"]]) {
    const made = await connected();
    socket().end(code, reason);
    assert.deepEqual([made.states.at(-1).name, made.states.at(-1).code], ["waiting", code]);
  }
});

test("a line that broke has no code", async () => {
  const made = await connected();
  socket().end(1006);
  assert.equal(made.states.at(-1).code, null);
});

test("an error that no close follows ends the line as well, and a close that does ends nothing more", async () => {
  const made = listen();
  await settle();
  const [first] = Socket.all;
  first.onerror(new Event("error"));
  assert.deepEqual([made.states.at(-1).name, made.states.at(-1).code], ["waiting", null]);
  await pass(0.5);
  first.end(1006);
  assert.deepEqual(made.names(), ["connecting", "waiting", "connecting"]);
});

test("a connection without a first frame is given up", async () => {
  const made = listen();
  await settle();
  const [first] = Socket.all;
  await pass(10);
  assert.equal(made.states.at(-1).name, "waiting");
  assert.equal(first.closedWith, "cut");
  await pass(0.5);
  first.greet(); // too late
  assert.equal(made.states.at(-1).name, "connecting");
});

test("a frame before the greeting is ignored", async () => {
  const made = listen();
  await settle();
  socket().notify(1);
  assert.deepEqual(made.handled, []);
});

test("offline drops the line and waits without a time; online tries at once", async () => {
  const there = browse();
  const made = await connected();
  there.dispatchEvent(new Event("offline"));
  assert.deepEqual([made.states.at(-1).name, made.states.at(-1).wait], ["waiting", null]);
  assert.equal(Socket.all[0].closedWith, "cut");
  await pass(120);
  document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  assert.equal(Socket.all.length, 1);
  there.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(Socket.all.length, 2);
});

test("a page that is seen again tries at once if it waits, and asks if it is connected", async () => {
  browse();
  const made = await connected();
  document.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(socket().frames(), ["PING"]);
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(socket().frames(), []);
  socket().end(1001, "Server shutting down");
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(made.states.at(-1).name, "waiting");
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  assert.equal(made.states.at(-1).name, "connecting");
});

/** A page whose token function was asked to come back in ten minutes. */
async function askedToWait() {
  const there = browse();
  let calls = 0;
  const token = () => {
    calls++;
    throw Object.assign(new Error("no"), { status: 429, retryAfter: 600 });
  };
  const made = listen({ token });
  await settle();
  const { wait, code } = made.notifications.state;
  assert.deepEqual([wait, code], [600.5, 429]);
  return { ...made, there, calls: () => calls };
}

test("a page that is seen again does not try before the time that the server has asked for", async () => {
  const { calls } = await askedToWait();
  for (let turn = 0; turn < 6; turn++) {
    await pass(100);
    document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    assert.equal(calls(), 1);
  }
  await pass(0.6);
  assert.equal(calls(), 2);
});

test("a page that is online again does not try before that time either", async () => {
  const { there, calls, notifications } = await askedToWait();
  there.dispatchEvent(new Event("offline"));
  await pass(100);
  there.dispatchEvent(new Event("online"));
  assert.equal(notifications.state.name, "waiting");
  assert.ok(Math.abs(notifications.state.wait - 500.5) < 0.01); // the jittered part is in it
  await pass(500.4);
  assert.equal(calls(), 1);
  await pass(0.2);
  assert.equal(calls(), 2);
});

test("an online page tries at once when the time of a Retry-After is over", async () => {
  const { there, calls } = await askedToWait();
  there.dispatchEvent(new Event("offline"));
  await pass(700);
  there.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(calls(), 2);
});

test("no error has the token in it", async () => {
  const token = jwt(1, 2);
  class Throwing {
    constructor(url) {
      throw new SyntaxError(`no good: ${url}`);
    }
  }
  const made = listen({ token, WebSocket: Throwing });
  await settle();
  assert.equal(made.states.at(-1).name, "waiting");
  assert.ok(!JSON.stringify(made.states).includes(token.slice(0, 20)));
});
