// One connection: PINGs, pongs, the rate of frames.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connected, id, listen, pass, set, settle, socket, Socket } from "./stage.js";

beforeEach(() => set());

test("PING goes out every so often, by chance up to a fifth later", async () => {
  const given = [0, 0.5];
  await connected({ random: () => given.shift() ?? 1 });
  await pass(24.9);
  assert.deepEqual(socket().frames(), []);
  await pass(0.2);
  assert.deepEqual(socket().frames(), ["PING"]);
  socket().pong();
  await pass(27.3);
  assert.deepEqual(socket().frames(), []);
  await pass(0.3);
  assert.deepEqual(socket().frames(), ["PING"]);
});

test("a peer whose pong does not come is dead: no handshake, and the backoff", async () => {
  const made = await connected();
  const [line] = Socket.all;
  await pass(30);
  await pass(9.9);
  assert.equal(made.states.at(-1).name, "connected");
  await pass(0.2);
  assert.deepEqual([made.states.at(-1).name, made.states.at(-1).wait], ["waiting", 0.5]);
  assert.equal(line.closedWith, "cut");
});

test("a socket that can be cut is", async () => {
  let cut = 0;
  class Cuttable extends Socket {
    terminate() {
      cut++;
    }
  }
  await connected({ WebSocket: Cuttable });
  await pass(41);
  assert.equal(cut, 1);
  assert.equal(Socket.all[0].closedWith, undefined);
});

test("a pong that came keeps the connection", async () => {
  const made = await connected();
  for (let turn = 0; turn < 5; turn++) {
    await pass(30);
    socket().pong();
  }
  assert.deepEqual(made.names(), ["connecting", "connected"]);
});

const upTo = (count) => Array.from({ length: count }, (_, number) => number + 1);

/** True if it is done by now. */
async function done(promise) {
  let is = false;
  promise.then(() => (is = true));
  await settle();
  return is;
}

test("frames stay below the rate that a node allows", async () => {
  const { notifications } = listen({ timing: { pongTimeout: 1000 } });
  await settle();
  socket().greet("");
  await notifications.markRead(...upTo(200).map(id));
  const times = [];
  for (let step = 0; step < 400; step++) {
    for (const frame of socket().frames()) {
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
    for (const frame of socket().frames()) if (frame == "PING") socket().pong();
    await pass(0.05);
  }
  assert.deepEqual(made.names(), ["connecting", "connected"]);
});
