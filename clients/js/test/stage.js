// A client on a stage: a socket, a clock and a window that the test controls.

import { mock } from "node:test";

import { Notifications } from "../client.js";

/** A stand-in for a browser's WebSocket, and the server on its far side. */
export class Socket {
  static all = [];
  readyState = 0;
  protocol = "";
  sent = [];
  closedWith = undefined;

  constructor(url, protocols) {
    this.url = new URL(url);
    this.protocols = protocols;
    Socket.all.push(this);
  }

  // the client's side

  send(text) {
    this.sent.push(text);
  }

  close(code) {
    this.closedWith ??= code ?? "cut";
  }

  // the server's side

  greet(protocol = this.protocols[0] ?? "", more = {}) {
    this.protocol = protocol;
    this.deliver({ type: "CONNECTION_ESTABLISHED", ...more });
  }

  deliver(frame) {
    this.onmessage({ data: typeof frame == "string" ? frame : JSON.stringify(frame) });
  }

  notify(...numbers) {
    for (const number of numbers) this.deliver(notification(number));
  }

  pong() {
    this.deliver({ type: "pong" });
  }

  end(code, reason = "") {
    this.onclose({ code, reason });
  }

  /** The client's frames since the last look, those of JSON parsed. */
  frames() {
    return this.sent.splice(0).map((text) => (text == "PING" ? text : JSON.parse(text)));
  }
}

export const id = (number) => `01a20b6e-fb6e-74c6-933a-${String(number).padStart(12, "0")}`;

export const notification = (number) => ({
  id: id(number),
  message: `n${number}`,
  type: "info",
  productName: "Milk",
  created_at: "2026-03-04T10:30:00Z",
});

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token issued at `iat` that ends at `exp`, both in seconds. */
export const jwt = (iat, exp, more = {}) => `${part({})}.${part({ iat, exp, ...more })}.c2ln`;

/** Let everything happen that was promised. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Let so many seconds pass; whatever falls due does, in turn. */
export async function pass(seconds) {
  const until = Date.now() + seconds * 1000;
  await settle();
  do {
    mock.timers.tick(Math.max(1, Math.min(50, until - Date.now())));
    await settle();
  } while (Date.now() < until);
}

let timers = new Set();

/** The number of timers that are set. */
export const pending = () => timers.size;

/** Begin: nothing is left of the test before, and the clock stands at `seconds`. */
export function set(seconds = 1_700_000_000) {
  mock.restoreAll();
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: seconds * 1000 });
  mock.method(performance, "now", () => Date.now() + 5);
  timers = new Set();
  const { setTimeout: later, clearTimeout: never } = globalThis;
  mock.method(globalThis, "setTimeout", (action, milliseconds) => {
    const timer = later(
      () => {
        timers.delete(timer);
        action();
      },
      Math.max(1, milliseconds || 0), // as the platform does
    );
    timers.add(timer);
    return timer;
  });
  mock.method(globalThis, "clearTimeout", (timer) => {
    timers.delete(timer);
    if (timer) never(timer);
  });
  Socket.all = [];
  delete globalThis.document;
  delete globalThis.addEventListener;
}

/** A window and its document. */
export function browse() {
  const there = new EventTarget();
  globalThis.addEventListener = there.addEventListener.bind(there);
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  return there;
}

/** The newest socket. */
export const socket = () => Socket.all.at(-1);

/** A client with a listener, the notifications that it handled, and the client's states. */
export function listen(options = {}) {
  const made = make(options);
  made.notifications.addEventListener("notification", ({ detail }) => made.handled.push(detail));
  return made;
}

/** A client that nobody listens to yet. */
export function make(options = {}) {
  const { url = "http://node", ...more } = options;
  const notifications = new Notifications(url, {
    token: () => "t_ticket",
    WebSocket: Socket,
    random: () => 1,
    ...more,
  });
  const states = [];
  notifications.addEventListener("state", ({ detail }) => states.push(detail));
  return { notifications, handled: [], states, names: () => states.map(({ name }) => name) };
}

/** A client that somebody listens to, connected. */
export async function connected(options = {}) {
  const made = listen(options);
  await settle();
  socket().greet();
  return made;
}

/** The `since` of the newest connection. */
export const since = () => socket().url.searchParams.get("since");

export const numbersOf = (handled) => handled.map(({ message }) => Number(message.slice(1)));

/** A client that is iterated over; `take(count)` returns the numbers of the next notifications. */
export async function iterate(options) {
  const made = make(options);
  const iterator = made.notifications[Symbol.asyncIterator]();
  const take = async (count) => {
    const found = [];
    while (found.length < count) found.push((await iterator.next()).value);
    return numbersOf(found);
  };
  const first = iterator.next();
  await settle();
  socket().greet();
  return { ...made, iterator, take, first };
}
