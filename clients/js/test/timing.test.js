// Timers, and the waits that a server asks for.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { retryAfterOf, Timers } from "../client/timing.js";
import { listen, pass, pending, set, settle } from "./stage.js";

beforeEach(() => set(START));

const START = 1_700_000_000;

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

test("Retry-After is waited for, and the jittered wait comes on top", async () => {
  const date = new Date((START + 90) * 1000).toUTCString();
  const answer = (text) => new Response("", { status: 503, headers: { "Retry-After": text } });
  for (const [error, wait] of [
    [failure(429, { retryAfter: 7 }), 7.5],
    [answer("20"), 20.5],
    [answer(date), 90.5],
    [answer("nonsense"), 0.5],
    [failure(503, { retryAfter: 86400 }), 3600.5],
    [failure(503, { retryAfter: -5 }), 0.5],
    [null, 0.5],
  ]) {
    const made = listen({ token: brings(error) });
    await settle();
    assert.equal(made.states.at(-1).name, "waiting");
    assert.equal(made.states.at(-1).wait, wait);
    assert.equal(made.states.at(-1).code, error?.status ?? null);
    set(START);
  }
});

test("timers run once, and cleared ones never", async () => {
  const timers = new Timers();
  const trace = [];
  timers.after(1, () => trace.push("first"));
  await pass(1);
  timers.after(1, () => trace.push("second"));
  timers.clear();
  await pass(2);
  assert.deepEqual(trace, ["first"]);
  assert.equal(pending(), 0);
});

test("a timer lasts no longer than the platform allows", async () => {
  const timers = new Timers();
  let over = false;
  timers.after(1e9, () => (over = true));
  await pass(1);
  assert.equal(over, false);
  timers.clear();
});

test("the wait of an error or a response is read from its property or its header", () => {
  const response = new Response("", { headers: { "Retry-After": "20" } });
  const date = new Response("", {
    headers: { "Retry-After": new Date((START + 90) * 1000).toUTCString() },
  });
  assert.deepEqual([{ retryAfter: 7 }, response, date, null, {}].map(retryAfterOf), [7, 20, 90, 0, 0]);
  assert.equal(retryAfterOf({ retryAfter: 86_400 }), 3600);
});
