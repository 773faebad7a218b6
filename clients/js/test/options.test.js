// Options and their mistakes.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connected, listen, make, notification, set, settle, socket } from "./stage.js";

beforeEach(() => set());

test("an extended session is asked for, unless the options rule it out", async () => {
  await connected();
  assert.deepEqual(socket().protocols, ["useby.v1"]);
  const made = await connected({ extended: false });
  assert.deepEqual(socket().protocols, []);
  assert.equal(made.notifications.state.extended, false);
});

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
