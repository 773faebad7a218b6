/**
 * Receive the notifications of a user from a useby node over its WebSocket: each once and in
 * order, across lost connections. `docs/reference/clients.md` has the guarantees and the rules.
 *
 * This module is the application's side: it delivers, marks and closes. `#reconnector` keeps a
 * connection open and passes on its frames. `#receive` puts notifications into `#inbox`, and
 * `#deliver` takes them out one by one.
 *
 * @module
 */

import { FlushInterrupted } from "./client/errors.js";
import { Inbox } from "./client/inbox.js";
import { Marks } from "./client/marks.js";
import { settingsOf, socketUrl } from "./client/options.js";
import { Reconnector } from "./client/reconnector.js";

export { MemoryCursor, StorageCursor } from "./client/cursor.js";
export { ConnectionRejected, FlushInterrupted, UsebyError } from "./client/errors.js";

/** @typedef {import("./client/connection.js").Frame} Frame */
/** @typedef {import("./client/connection.js").Socket} Socket */
/** @typedef {import("./client/cursor.js").Cursor} Cursor */
/** @typedef {import("./client/events.js").Events} Events */
/** @typedef {import("./client/events.js").Lot} Lot */
/** @typedef {import("./client/events.js").Notification} Notification */
/** @typedef {import("./client/events.js").Product} Product */
/** @typedef {import("./client/events.js").ProductChanged} ProductChanged */
/** @typedef {import("./client/events.js").Read} Read */
/** @typedef {import("./client/events.js").State} State */
/** @typedef {import("./client/events.js").Target} Target */
/** @typedef {import("./client/options.js").Options} Options */
/** @typedef {import("./client/timing.js").Timing} Timing */

/**
 * @template {keyof Events} Kind
 * @typedef {import("./client/events.js").Listener<Kind>} Listener
 */

/** Number of unconfirmed marks from which no further notification is delivered. */
const MARKS = 1000;

/**
 * Client of one node. Iterate over it, or listen to `notification` events; either one connects.
 *
 * @implements {AsyncIterable<Notification>}
 */
export class Notifications extends /** @type {new () => Target} */ (EventTarget) {
  #settings;
  #inbox;
  #marks = new Marks();
  #reconnector;
  #handled = ""; // id of the newest notification handled
  #delivered = ""; // id of the notification delivered last
  #flushing = 0; // number of calls of flush() that wait
  #listened = false;
  #delivering = false;
  /** @type {Set<() => void>} */
  #checks = new Set();

  /**
   * Create the client; no connection is opened yet.
   *
   * @param {string | URL} url URL of the node, `http(s)://` or `ws(s)://`
   * @param {Options} options
   * @throws {TypeError} the URL does not name a node, or an option has the wrong type
   */
  constructor(url, options) {
    super();
    const node = socketUrl(url);
    const settings = (this.#settings = settingsOf(options));
    const inbox = (this.#inbox = new Inbox(settings.buffer));
    this.#load();
    this.#reconnector = new Reconnector(node, settings, {
      since: () => inbox.newest,
      entered: (state, greeting) => this.#entered(state, greeting),
      receive: (frame) => this.#receive(frame),
      left: () => {
        inbox.dropped = false; // the next connection begins after the newest one received
        this.#marks.reset();
      },
    });
    if (settings.signal?.aborted) this.#reconnector.end();
  }

  /** Current state of the connection. */
  get state() {
    return this.#reconnector.state;
  }

  // Called by the application

  /**
   * Yield notifications until `close()`. Leaving the loop closes the client, unless it has a
   * `notification` listener.
   *
   * @returns {AsyncGenerator<Notification, void, undefined>}
   * @throws {ConnectionRejected} the server rejected the client permanently
   */
  async *[Symbol.asyncIterator]() {
    this.#reconnector.start();
    try {
      for (;;) {
        const notification = await this.#waitUntil(() => {
          if (this.#ready()) return this.#deliver();
          if (this.#reconnector.rejection) throw this.#reconnector.rejection;
          return this.#reconnector.closing ? null : undefined;
        });
        if (!notification) return;
        this.#resume();
        yield notification;
        await this.#handle(notification.id);
      }
    } finally {
      if (!this.#listened) await this.close();
    }
  }

  /**
   * Add a listener. The first `notification` listener connects; from then on notifications are
   * delivered as events until `close()`.
   *
   * @template {keyof Events} Kind
   * @param {Kind} kind
   * @param {Listener<Kind>} listener
   * @param {boolean | AddEventListenerOptions} [options]
   */
  addEventListener(kind, listener, options) {
    super.addEventListener(kind, listener, options);
    if (kind == "notification") {
      this.#listened = true;
      this.#reconnector.start();
      this.#changed();
    }
  }

  /**
   * Acknowledge notifications. The marks are queued when this returns and sent until they are
   * durable; see `flush()`. A marked notification counts as handled.
   *
   * @param {...string} ids
   */
  async markRead(...ids) {
    for (const id of ids) {
      if (typeof id != "string") throw new TypeError("useby: id");
      if (id == this.#delivered) this.#handled = id;
      this.#queueMark(id);
    }
    this.#flushMarks();
    this.#changed();
    await this.#save();
  }

  /** Acknowledge all received notifications and, on an extended session, all others too. */
  async markAllRead() {
    if (this.state.extended) this.#marks.all = "queued";
    await this.markRead(...this.#inbox.unmarked);
  }

  /**
   * Wait until every mark queued so far is durable.
   *
   * @throws {FlushInterrupted} the client was closed before that
   */
  async flush() {
    const goal = this.#marks.queued;
    this.#reconnector.start();
    this.#flushing++;
    this.#resume();
    try {
      await this.#waitUntil(() => {
        if (this.#marks.durable >= goal && this.#marks.all == "no") return true;
        if (this.state.name == "closed") throw new FlushInterrupted("closed");
        return undefined;
      });
    } finally {
      this.#flushing--;
    }
  }

  /** Flush the marks if connected, then close for good. */
  async close() {
    const reconnector = this.#reconnector;
    reconnector.closing = true;
    this.#changed();
    const { state } = this;
    if (state.name == "connected") {
      await this.#waitAtMost(() => this.state != state || !this.#marks.pending);
      if (reconnector.connection) {
        reconnector.connection.close();
        await this.#waitAtMost(() => this.state != state);
      }
    }
    reconnector.end();
  }

  // Delivery

  #ready() {
    return this.#inbox.length && this.#marks.ids.size < MARKS && !this.#reconnector.closing;
  }

  #deliver() {
    const notification = this.#inbox.take();
    this.#delivered = notification.id;
    return notification;
  }

  /** @param {string} id */
  #handle(id) {
    if (id == this.#delivered && id != this.#handled) {
      this.#handled = id;
      return this.#save();
    }
    return undefined;
  }

  /** Check all waiting conditions again, and deliver to the listeners. */
  #changed() {
    for (const check of this.#checks) check();
    while (this.#listened && !this.#delivering && this.#ready()) {
      this.#delivering = true; // a listener may call methods that lead here again
      const notification = this.#deliver();
      this.#emit("notification", notification);
      void this.#handle(notification.id);
      this.#delivering = false;
    }
    this.#resume();
  }

  /**
   * @template Result
   * @param {() => Result | undefined} condition ends the wait by returning a value or throwing
   * @returns {Promise<Result>}
   */
  #waitUntil(condition) {
    return new Promise((resolve, reject) => {
      const check = () => {
        try {
          const result = condition();
          if (result === undefined) return;
          resolve(result);
        } catch (error) {
          reject(error);
        }
        this.#checks.delete(check);
      };
      this.#checks.add(check);
      check();
    });
  }

  /** @param {() => boolean} condition */
  #waitAtMost(condition) {
    let late = false;
    this.#reconnector.timers.after(this.#settings.timing.closeTimeout, () => {
      late = true;
      this.#changed();
    });
    return this.#waitUntil(() => late || condition() || undefined);
  }

  /**
   * @param {string} kind
   * @param {unknown} detail
   */
  #emit(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  // Cursor

  #load() {
    try {
      /** @type {{after: unknown, begun: number, marks: unknown[]}} */
      const { after, begun, marks } = JSON.parse(this.#settings.cursor.load());
      if (typeof after == "string") this.#handled = this.#inbox.newest = after;
      this.#inbox.replayBaseline = begun;
      for (const id of marks) if (typeof id == "string") this.#queueMark(id);
    } catch {
      // The text is empty or unreadable: start without a position.
    }
  }

  /** Save the position. Errors of the cursor reject the promise and interrupt nothing else. */
  async #save() {
    const { replayBaseline: begun } = this.#inbox;
    const marks = [...this.#marks.ids];
    this.#settings.cursor.save(JSON.stringify({ after: this.#handled, begun, marks }));
  }

  // Marks

  /** @param {string} id */
  #queueMark(id) {
    this.#inbox.setMarked(id);
    this.#marks.queue(id);
  }

  /** Send the next batch of marks, unless a batch is in flight. */
  #flushMarks() {
    const { name, extended } = this.state;
    const frames = name == "connected" && this.#marks.nextBatch(extended);
    if (frames) this.#reconnector.connection?.send(frames, () => this.#onMarksDurable());
  }

  #onMarksDurable() {
    this.#marks.confirm();
    void this.#save();
    this.#flushMarks();
    this.#pause();
    this.#changed();
  }

  // Called by the reconnector

  /**
   * @param {State} state
   * @param {Frame} [greeting]
   */
  #entered(state, greeting) {
    if (greeting) this.#inbox.opened(greeting.seq);
    this.#emit("state", state);
    this.#changed();
    if (!greeting || this.state != state) return;
    this.#flushMarks();
    const { unread } = greeting;
    if (typeof unread == "number") this.#emit("read", { ids: [], unread });
  }

  /** @param {Frame} frame */
  #receive(frame) {
    const { type, ids, unread, ...changed } = frame;
    if (/^(info|warning|error)$/.test(`${type}`)) {
      if (this.#reconnector.closing) return;
      this.#inbox.put(frame, (id) => this.markRead(id));
      if (this.#inbox.dropped) this.#pause();
      else this.#changed();
    } else if (/READ$/.test(`${type}`) && typeof unread == "number") {
      /** @type {string[]} */
      const read = Array.isArray(ids) ? ids : [];
      read.forEach((id) => this.#inbox.setMarked(id));
      this.#emit("read", { ids: read, unread });
    } else if (type == "PRODUCT") this.#emit("product", changed);
  }

  /** Disconnect because the buffer is full, as soon as no mark is unconfirmed. */
  #pause() {
    if (!this.#inbox.dropped || !this.#reconnector.connection || this.#marks.pending) return;
    this.#reconnector.pause();
    this.#inbox.dropped = true;
  }

  /** Connect after that, when half of the buffer is delivered or marks are awaited. */
  #resume() {
    if (!this.#inbox.dropped) return;
    const { halfEmpty } = this.#inbox;
    const { size } = this.#marks.ids;
    const awaited = size && (this.#flushing || size >= MARKS);
    const { name } = this.state;
    if (name == "connected" ? halfEmpty : name == "waiting" && (halfEmpty || awaited)) {
      void this.#reconnector.connect();
    }
  }
}
