// Plays many clients of the library at once, as the head of tests/clients/scenarios.yaml says: a
// line of JSON in is a thing to do, a line out is what happened. With the argument `ws` the sockets
// are npm's, for Node.js before 22, which has none of its own; without it, the platform's.

import { AsyncLocalStorage } from "node:async_hooks";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";

import { ConnectionRejected, MemoryCursor, Notifications } from "../client.js";

const { WebSocket } = process.argv[2] == "ws" ? await import("ws") : globalThis;

/** Seconds by which the wall clock is wrong, for whatever one client has set going. */
const skew = new AsyncLocalStorage();
const { now } = Date;
Date.now = () => now() + (skew.getStore() ?? 0) * 1000;

/** Keeps the place in a file, as a page would in its storage. */
class FileCursor {
  constructor(path) {
    this.path = path;
  }

  load() {
    return existsSync(this.path) ? readFileSync(this.path, "utf8") : "";
  }

  save(text) {
    writeFileSync(this.path, text);
  }
}

/** Python's names of the durations, as the library has them. */
const camelCase = (timing) =>
  Object.fromEntries(
    Object.entries(timing).map(([name, seconds]) => [
      name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()),
      seconds,
    ]),
  );

/** Gives what is put, each to one who takes, in turn. */
class Turns {
  #put = [];
  #wanted = [];

  put(value) {
    const take = this.#wanted.shift();
    if (take) take(value);
    else this.#put.push(value);
  }

  take() {
    if (this.#put.length) return Promise.resolve(this.#put.shift());
    return new Promise((resolve) => this.#wanted.push(resolve));
  }
}

class Player {
  #order;
  #tokens = new Turns();
  #takes = new Turns();
  #end = new AbortController();
  #notifications;

  constructor(order) {
    this.#order = order;
    const { url, token, timing, buffer, random, cursor, extended = true } = order;
    this.#notifications = new Notifications(url, {
      WebSocket,
      token: token ?? (() => this.#token()),
      timing: camelCase(timing),
      buffer,
      extended,
      random: () => random,
      cursor: cursor ? new FileCursor(cursor) : new MemoryCursor(),
      signal: this.#end.signal,
    });
    for (const kind of ["state", "read", "product"]) {
      this.#notifications.addEventListener(kind, ({ detail }) => this.#tell(kind, detail));
    }
    this.ended = this.#iterate();
  }

  #tell(event, more) {
    const { client } = this.#order;
    process.stdout.write(JSON.stringify({ client, event, ...more }) + "\n");
  }

  async #token() {
    this.#tell("token");
    const { token, status, retryAfter } = await this.#tokens.take();
    if (status) throw Object.assign(new Error(`HTTP ${status}`), { status, retryAfter });
    return token;
  }

  async #iterate() {
    const { slow, mark } = this.#order;
    const iterator = this.#notifications[Symbol.asyncIterator]();
    try {
      for (let first = slow; ; first = false) {
        // The first step opens the connection; what it brings is shown when it is taken.
        const next = slow && !first ? this.#takes.take().then(() => iterator.next()) : iterator.next();
        const { done, value } = await next;
        if (done) break;
        if (first) await this.#takes.take();
        const { id, message, seq } = value;
        this.#tell("notification", { id, message, seq });
        if (mark) await value.markRead();
      }
      this.#tell("ended");
    } catch (error) {
      if (!(error instanceof ConnectionRejected)) throw error;
      this.#tell("rejected", { code: error.code, reason: error.reason });
    }
  }

  async do(order) {
    switch (order.do) {
      case "token":
        return this.#tokens.put(order);
      case "take":
        for (let count = order.count; count > 0; count--) this.#takes.put();
        return undefined;
      case "mark":
        return this.#notifications.markRead(...order.ids);
      case "markAll":
        return this.#notifications.markAllRead();
      case "flush":
        await this.#notifications.flush();
        return this.#tell("flushed");
      case "close":
        await this.#notifications.close();
        this.#takes.put();
        return this.#tell("closed");
      case "cancel":
        this.#takes.put();
        return this.#end.abort();
      default:
        throw new Error(`what is ${order.do}?`);
    }
  }

  cancel() {
    return this.do({ do: "cancel" });
  }
}

const players = new Map();
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const order = JSON.parse(line);
  if (order.do == "start") {
    players.set(order.client, skew.run(order.skew, () => new Player(order)));
  } else void players.get(order.client).do(order);
});
lines.on("close", async () => {
  for (const player of players.values()) player.cancel();
  await Promise.all([...players.values()].map((player) => player.ended));
  process.exit(0);
});
