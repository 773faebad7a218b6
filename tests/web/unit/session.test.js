/** Sign-ins of several persons in one browser: what belongs to one is not shown to another. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Session } from "../../../src/useby/web/session.js";

/** @type {Map<string, string>} */
const kept = new Map();
globalThis.localStorage = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => void kept.set(name, value),
  removeItem: (name) => void kept.delete(name),
};
globalThis.indexedDB = { deleteDatabase: () => {} };
Object.defineProperty(globalThis, "navigator", { value: {} });
globalThis.BroadcastChannel = class {
  addEventListener() {}
  postMessage() {}
};

const KEPT = "useby.signedIn";
/** An access token of a sign-in, which is used for so many seconds. */
const tokens = (sid, expiresIn = 900) => ({ accessToken: `.${btoa(JSON.stringify({ sid, sub: sid }))}.`, expiresIn });

/** A node; `answers` are its answers by the path, and `asked` are the requests with the sign-in of their token. */
function node(answers) {
  const asked = [];
  globalThis.fetch = async (url, { headers }) => {
    const path = String(url).split("/api/")[1];
    const [, payload] = (headers.Authorization ?? "").split(".");
    asked.push(`${path} ${payload ? JSON.parse(atob(payload)).sid : ""}`.trim());
    const answer = await answers[path]();
    return { ok: true, status: 200, headers: new Headers(), json: async () => answer };
  };
  return asked;
}

beforeEach(() => {
  kept.clear();
});

test("a page whose browser has another sign-in by now is loaded again, and asks nothing for it", async () => {
  kept.set(KEPT, "ada");
  let reloads = 0;
  const session = new Session(() => (reloads += 1));
  const asked = node({ "auth/refresh": () => tokens("bob"), lots: () => [] });
  kept.set(KEPT, "bob"); // in another tab, while this one slept
  await assert.rejects(session.call("GET", "lots"));
  assert.equal(reloads, 1);
  await assert.rejects(session.call("GET", "lots"));
  assert.deepEqual(asked, ["auth/refresh"]);
  assert.equal(kept.get(KEPT), "bob");
});

test("what a page keeps is that of its own sign-in, also after another one in another tab", () => {
  kept.set(KEPT, "ada");
  const session = new Session(() => {});
  kept.set(KEPT, "bob");
  assert.equal(session.id, "ada");
  session.forget();
  assert.deepEqual([session.id, kept.get(KEPT)], ["", "bob"]);
});

test("an answer that comes after the sign-out is dropped", async () => {
  kept.set(KEPT, "ada");
  const session = new Session(() => {});
  let answer = (_) => {};
  const lots = new Promise((resolve) => (answer = resolve));
  node({ "auth/refresh": () => tokens("ada"), lots: () => lots, "auth/login": () => tokens("bob") });
  const late = assert.rejects(session.call("GET", "lots"));
  await new Promise((resolve) => setImmediate(resolve));
  session.forget();
  await session.signIn("bob@useby.example", "…");
  answer(["Ada's"]);
  await late;
  assert.equal(session.id, "bob");
});

test("a sign-out while another tab exchanges the token is not taken back", async () => {
  kept.set(KEPT, "ada");
  let isFree = (_) => {};
  const free = new Promise((resolve) => (isFree = resolve));
  navigator.locks = { request: async (_, given, work) => (work ? work(null) : (await free, given({}))) };
  let reloads = 0;
  const session = new Session(() => (reloads += 1));
  const asked = node({ "auth/refresh": () => tokens("ada") });
  const late = assert.rejects(session.call("GET", "lots"));
  session.forget();
  isFree(null);
  await late;
  delete navigator.locks;
  assert.deepEqual([asked, reloads, kept.has(KEPT)], [[], 0, false]);
});
