// Tokens: their source, and their end.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ConnectionRejected } from "../client.js";
import { connected, jwt, listen, pass, set, settle, socket, Socket } from "./stage.js";

beforeEach(() => set(START));

const START = 1_700_000_000;

const token = () => socket().url.searchParams.get("access_token");

const EXPIRED = [1008, "Access token expired"];

/** A token function that brings these in turn, and how often it was called. */
function brings(...what) {
  const bring = async () => {
    bring.calls++;
    const next = what.length > 1 ? what.shift() : what[0];
    if (typeof next == "object") throw next;
    return next;
  };
  bring.calls = 0;
  return bring;
}

const failure = (status, more) => Object.assign(new Error("no"), { status, ...more });

test("the token function is called for each connection", async () => {
  const fetch = brings("a", "b");
  await connected({ token: fetch });
  assert.equal(token(), "a");
  socket().end(1006);
  await pass(0.5);
  assert.equal(token(), "b");
});

test("a text serves for every connection", async () => {
  await connected({ token: "same & so" });
  socket().end(1006);
  await pass(0.5);
  assert.equal(token(), "same & so");
});

test("a sign-in that has ended is the end, with 401 and with 403", async () => {
  for (const status of [401, 403]) {
    const made = listen({ token: brings(failure(status)) });
    await settle();
    assert.deepEqual(made.names(), ["connecting", "closed"]);
    assert.equal(made.states.at(-1).code, status);
  }
  assert.equal(Socket.all.length, 0);
});

test("a function that throws ConnectionRejected ends it in its own words", async () => {
  const made = listen({ token: brings(new ConnectionRejected(410, "Gone")) });
  await settle();
  const { name, code, reason } = made.states.at(-1);
  assert.deepEqual([name, code, reason], ["closed", 410, "Gone"]);
});

test("a function that brings no text has failed", async () => {
  const made = listen({ token: brings(undefined) });
  await settle();
  assert.equal(made.states.at(-1).name, "waiting");
});

test("a function that does not answer is given up, and its late answer is nobody's", async () => {
  let late;
  const tokens = [new Promise((resolve) => (late = resolve)), "good"];
  const made = listen({ token: () => tokens.shift() });
  await pass(10);
  assert.deepEqual(made.names(), ["connecting", "waiting"]);
  late("late");
  await pass(0.5);
  assert.equal(Socket.all.length, 1);
  assert.equal(token(), "good");
});

test("an expired token is replaced once, at once, and a second time is the end", async () => {
  const fetch = brings("a", "b");
  const made = listen({ token: fetch });
  await settle();
  socket().end(...EXPIRED);
  await settle();
  assert.equal(token(), "b");
  socket().end(...EXPIRED);
  await settle();
  assert.deepEqual(made.names(), ["connecting", "connecting", "closed"]);
  assert.equal(fetch.calls, 2);
});

test("after a first frame an expired token is replaced again", async () => {
  const made = await connected({ timing: { stableAfter: 0 } });
  for (let turn = 0; turn < 3; turn++) {
    await pass(1);
    socket().end(...EXPIRED);
    await settle();
    socket().greet();
  }
  assert.ok(!made.names().includes("waiting"));
  assert.equal(made.notifications.state.name, "connected");
});

test("one that is taken in and dropped again and again waits all the same", async () => {
  const made = await connected();
  socket().end(...EXPIRED);
  await settle();
  socket().greet();
  socket().end(...EXPIRED);
  assert.equal(made.states.at(-1).name, "waiting");
});

test("a text has no successor: the end, at once", async () => {
  const made = listen({ token: "text" });
  await settle();
  socket().end(...EXPIRED);
  assert.deepEqual(made.names(), ["connecting", "closed"]);
});

test("an extended session is carried on by a fresh token", async () => {
  const next = jwt(START, START + 900);
  const made = await connected({ token: brings(jwt(START, START + 60), next) });
  socket().deliver({ type: "TOKEN_EXPIRING" });
  await settle();
  assert.deepEqual(socket().frames(), [{ action: "authenticate", access_token: next }, "PING"]);
  socket().deliver({ type: "AUTHENTICATED" });
  socket().pong();
  await pass(20);
  assert.deepEqual(made.names(), ["connecting", "connected"]);
});

test("a fresh token that is refused, or not answered, makes a new connection", async () => {
  for (const answer of [{ type: "REJECTED", action: "authenticate" }, null]) {
    const fetch = brings(jwt(START, 1), jwt(START, 2), jwt(START, 3));
    const made = await connected({ token: fetch });
    const [line] = Socket.all.slice(-1);
    line.deliver({ type: "TOKEN_EXPIRING" });
    await settle();
    if (answer) line.deliver(answer);
    else line.pong();
    await settle();
    assert.deepEqual(made.names(), ["connecting", "connected", "connecting"]);
    assert.equal(line.closedWith, 1000);
    assert.equal(fetch.calls, 3);
  }
});

test("another frame that was rejected changes nothing", async () => {
  const made = await connected();
  socket().deliver({ type: "REJECTED", action: "mark_read" });
  assert.equal(made.names().length, 2);
});

test("a ticket can't be sent in-band: the connection is made again with it", async () => {
  const fetch = brings("t_one", "t_two");
  const made = await connected({ token: fetch });
  socket().deliver({ type: "TOKEN_EXPIRING" });
  await settle();
  assert.deepEqual(made.names(), ["connecting", "connected", "connecting"]);
  assert.equal(token(), "t_two");
  assert.equal(fetch.calls, 2);
});

test("a server that repeats that the token ends leads to one request in a while", async () => {
  let number = 0;
  const made = await connected({ token: () => `t_${number++}` });
  for (let turn = 0; turn < 5; turn++) {
    socket().deliver({ type: "TOKEN_EXPIRING" });
    await pass(1);
    socket().greet();
  }
  assert.equal(number, 2);
  assert.equal(made.notifications.state.name, "connected");
});

test("a function that brings the same token again has no fresh one", async () => {
  const made = await connected({ token: jwt(START, START + 60) });
  const again = await connected({ token: brings(jwt(START, START + 60)) });
  for (const each of Socket.all) each.deliver({ type: "TOKEN_EXPIRING" });
  await pass(20);
  assert.deepEqual([...made.names(), ...again.names()].filter((name) => name == "connecting").length, 2);
  for (const each of Socket.all) assert.deepEqual(each.frames(), []);
});

async function refreshedAfter(first, random) {
  let number = 0; // none is like the one before
  const fetch = brings(first, ...Array.from({ length: 99 }, () => jwt(START, START + 9000, { jti: number++ })));
  listen({ token: fetch, random: () => random, timing: { pingInterval: 100_000 } });
  await settle();
  socket().greet("");
  const began = Date.now();
  while (fetch.calls < 2 && Date.now() - began < 1_000_000) await pass(0.5);
  return fetch.calls < 2 ? null : Math.round((Date.now() - began) / 1000);
}

test("on a plain session a fresh token is fetched between half of the time and all of it before", async () => {
  assert.equal(await refreshedAfter(jwt(START, START + 900), 1), 840);
  set(START);
  assert.equal(await refreshedAfter(jwt(START, START + 900), 0), 870);
});

test("a fresh token is not fetched before half of the life is over", async () => {
  assert.equal(await refreshedAfter(jwt(START, START + 80), 1), 40);
});

test("a clock that is wrong does not matter", async () => {
  set(START + 3600);
  assert.equal(await refreshedAfter(jwt(START, START + 900), 1), 840);
  set(START - 3600);
  assert.equal(await refreshedAfter(jwt(START, START + 900), 1), 840);
});

for (const [claims, seconds, why] of [
  [{ iat: 0, exp: 900 }, 900, "a clock that is right"],
  [{ iat: -500, exp: 400 }, 400, "a token that is not new"],
  [{ iat: 3600, exp: 4500 }, 900, "a clock that is an hour behind"],
  [{ iat: -3600, exp: -2700 }, 900, "a clock that is an hour ahead"],
  [{ exp: 900 }, 900, "a token without the time of its issue"],
  [{ iat: 900, exp: 900 }, 900, "one with nonsense for it"],
  [{ iat: 950, exp: 900 }, 900, "and worse nonsense"],
  [{ exp: -100 }, null, "an end that is over, and nothing shows by how much the clock is wrong"],
  [{ iat: 0, exp: -100 }, null, "the same with nonsense"],
  [{ iat: 0 }, null, "no end"],
]) {
  test(`a token's life is ${seconds ?? "not known"}: ${why}`, async () => {
    const moved = Object.entries(claims).map(([name, value]) => [name, START + value]);
    const token = jwt(undefined, undefined, Object.fromEntries(moved));
    assert.equal(await refreshedAfter(token, 1), seconds && Math.max(seconds - 60, seconds / 2));
    assert.equal(Socket.all.length, seconds ? 2 : 1);
  });
}

test("an end that is no number, or none that can be, is no end", async () => {
  for (const exp of [`${START + 900}`, true, null, [START + 900], "1".repeat(400)]) {
    set(START);
    const text = typeof exp == "string" && exp.length > 99 ? exp : JSON.stringify(exp);
    const token = `e30.${Buffer.from(`{"exp":${text}}`).toString("base64url")}.c2ln`;
    assert.equal(await refreshedAfter(token, 1), null, text);
  }
});

test("the old connection is closed, and the new one goes on with the token that was fetched", async () => {
  const next = jwt(START, START + 9000);
  const fetch = brings(jwt(START, START + 100), next);
  const made = listen({ token: fetch, timing: { pingInterval: 1000 } });
  await settle();
  socket().greet("");
  socket().notify(1);
  await pass(51);
  const [old] = Socket.all;
  assert.equal(old.closedWith, 1000);
  assert.equal(token(), next);
  assert.equal(fetch.calls, 2);
  assert.deepEqual(made.names(), ["connecting", "connected", "connecting"]);
  old.notify(2); // it is nobody's any more
  assert.equal(made.handled.length, 1);
});

test("a fetch that fails is repeated with backoff and does not end a connection that stands", async () => {
  const fetch = brings(jwt(START, START + 100), failure(401), failure(503, { retryAfter: 3 }), "x.y");
  const made = listen({ token: fetch, timing: { pingInterval: 1000 } });
  await settle();
  socket().greet("");
  await pass(50.1);
  assert.equal(fetch.calls, 2);
  await pass(0.5);
  assert.equal(fetch.calls, 3);
  await pass(3.5);
  assert.equal(fetch.calls, 3);
  assert.deepEqual(made.names(), ["connecting", "connected"]);
  await pass(0.6);
  assert.equal(fetch.calls, 4);
  assert.equal(made.names().at(-1), "connecting");
});

test("concurrent requests for a token share one fetch", async () => {
  let calls = 0;
  let bring;
  const first = jwt(START, START + 100);
  const made = listen({
    timing: { pingInterval: 1000 },
    token: () => (calls++ ? new Promise((resolve) => (bring = resolve)) : first),
  });
  await settle();
  socket().greet("");
  await pass(51);
  assert.equal(calls, 2);
  socket().end(...EXPIRED);
  await settle();
  bring("fresh");
  await settle();
  assert.equal(calls, 2);
  assert.equal(token(), "fresh");
  assert.equal(made.names().at(-1), "connecting");
});
