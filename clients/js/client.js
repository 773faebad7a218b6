/**
 * Receive the notifications of a user from a useby node over its WebSocket: each once and in
 * order, across lost connections. `docs/reference/clients.md` has the guarantees and the rules.
 *
 * Received notifications enter a bounded buffer (`#take`) and are delivered one by one (`#hand`).
 * `#line` is the connection and holds everything that belongs to one connection only. Only `#enter`
 * sets `#state`; it clears the timers of the state before. Each state is a new object, so that code
 * after an `await` can check with `===` whether the state is still the same.
 *
 * @module
 */

/**
 * @typedef {object} Notification
 * @property {string} id unique, never reused
 * @property {string} message
 * @property {"info" | "warning" | "error"} type
 * @property {string} productName `""` if no product is concerned
 * @property {Date} createdAt
 * @property {number | null} seq number among the user's notifications; this and the
 *   following are `null` on a plain session
 * @property {string | null} event `expiring`, `expired`, `added`, …
 * @property {string | null} productId
 * @property {string | null} expiresOn `YYYY-MM-DD`
 * @property {number | null} daysLeft
 * @property {Date | null} readAt
 * @property {() => Promise<void>} markRead queue the mark that it was read; see `settled()`
 */

/**
 * @typedef {object} State
 * @property {"idle" | "connecting" | "connected" | "waiting" | "closed"} name
 * @property {number | null} code close code or HTTP status that led to this state
 * @property {string} reason
 * @property {number | null} wait seconds until the next attempt; `null` if no time is set
 * @property {boolean} extended true if the server granted the extended session
 */

/** @typedef {{ids: string[], unread: number}} Read ids read on any device, and the unread count */
/** @typedef {{change: string, product: object}} ProductChanged the product as REST returns it */

/**
 * @typedef {object} Events
 * @property {CustomEvent<Notification>} notification
 * @property {CustomEvent<State>} state
 * @property {CustomEvent<Read>} read
 * @property {CustomEvent<ProductChanged>} product
 */

/**
 * @template {keyof Events} Kind
 * @typedef {((event: Events[Kind]) => void) | {handleEvent(event: Events[Kind]): void} | null} Listener
 */

/**
 * @typedef {{
 *   addEventListener<Kind extends keyof Events>(
 *     kind: Kind, listener: Listener<Kind>, options?: boolean | AddEventListenerOptions): void,
 *   removeEventListener<Kind extends keyof Events>(
 *     kind: Kind, listener: Listener<Kind>, options?: boolean | EventListenerOptions): void,
 *   dispatchEvent(event: Event): boolean,
 * }} Target an `EventTarget` with typed events
 */

/** @typedef {{load(): string, save(text: string): void}} Cursor stores one text; `""` if empty */

/**
 * @typedef {object} Timing durations in seconds
 * @property {number} base maximum of the first backoff; it doubles with each failed attempt
 * @property {number} cap maximum of any backoff
 * @property {number} stable a connection that lasted this long resets the backoff
 * @property {number} ping interval between PINGs
 * @property {number} pong timeout of a pong
 * @property {number} refresh a fresh token is fetched at most this long before the old one expires
 * @property {number} open timeout of the token function, and of a connection's first frame
 * @property {number} close timeout of `close()`, for marks and again for the server's answer
 */

/**
 * @typedef {object} Options
 * @property {string | (() => string | Promise<string>)} token an access token or a ticket, or a
 *   function that returns a fresh one. If it throws an error with `status` 401 or 403, the client
 *   closes. It waits for the error's `retryAfter` (seconds) or the header of a thrown `Response`
 * @property {Cursor} [cursor] storage of the position; in memory by default
 * @property {number} [buffer] maximum number of notifications that wait for the application
 * @property {boolean} [extended] `false` for a server without the extended session
 * @property {Partial<Timing>} [timing]
 * @property {() => number} [random] returns a number from 0 to 1
 * @property {AbortSignal} [signal] closes as `close()` does, but without waiting
 * @property {new (url: string, protocols: string[]) => Socket} [WebSocket] a class like the
 *   browser's, if the platform has none
 */

/**
 * @typedef {Pick<WebSocket, "send" | "close" | "protocol" | "onmessage" | "onclose" | "onerror">
 *   & {terminate?: () => void}} Socket the members of a WebSocket that are used
 */

/**
 * @typedef {object} Frame a frame of the server before it is checked; any property may be missing
 * @property {unknown} type
 * @property {unknown} id
 * @property {string} created_at
 * @property {string | null} readAt
 * @property {number} seq
 * @property {unknown} ids
 * @property {number} unread
 * @property {unknown} action
 * @property {string} change
 * @property {object} product
 */

/**
 * @typedef {object} Line a connection
 * @property {Socket} socket
 * @property {string} token current token of the connection
 * @property {number} since time of its first frame
 * @property {string[]} out frames to send, held back by the rate limit
 * @property {number} spent time until which the sent frames use up the rate
 * @property {number} pings number of PINGs queued
 * @property {number} pongs number of pongs received
 * @property {string[] | null} lot batch of marks in flight
 * @property {number} settles number of the pong that confirms the batch
 * @property {number} fails number of the pong before which the fresh token must be accepted, or 0
 * @property {0 | 1 | 2} all state of `mark_all_read`: 0 none, 1 queued, 2 in flight
 */

const PROTOCOL = "useby.v1";
const EXPIRED = "Access token expired";
const ENDS =
  /^(Access (token required|revoked)|Invalid access token|Unknown user|Origin not allowed)$/;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){4}[\da-f]{8}$/i;
/** Number of unconfirmed marks from which no further notification is delivered. */
const MARKS = 1000;
/** Number of received ids that are remembered. */
const SEEN = 10000;
/** Frames in a batch of marks, and ids in a frame of an extended session. */
const LOT = 30;
const IDS = 90;
/** Burst and frames per second of the rate limit. A node allows 60 and 20. */
const BURST = 40;
const RATE = 15;
/** Maximum duration of a timer in milliseconds; the platform's limit is 2 ** 31. */
const LONGEST = 2e9;
const HOUR = 3600;
/** @type {Timing} */
const TIMING = {
  base: 0.5,
  cap: 30,
  stable: 60,
  ping: 25,
  pong: 10,
  refresh: 60,
  open: 10,
  close: 5,
};

const now = () => performance.now() / 1000;

/**
 * @param {State["name"]} name
 * @param {Partial<Omit<State, "name">>} [more]
 * @returns {State}
 */
const stateOf = (name, more) =>
  Object.freeze({ code: null, reason: "", wait: null, extended: false, ...more, name });

/** The server rejected this client permanently; reconnecting cannot help. */
export class Refused extends Error {
  name = "Refused";

  /**
   * @param {number | null} code close code, or HTTP status of the failed token request
   * @param {string} reason
   */
  constructor(code, reason) {
    super(`${reason} (${code})`);
    /** @type {number | null} */
    this.code = code;
    /** @type {string} */
    this.reason = reason;
  }
}

/** The client was closed before every mark was confirmed as durable. */
export class Unsettled extends Error {
  name = "Unsettled";
}

/** Cursor in memory; it is gone when the page or the program ends. */
export class MemoryCursor {
  #text = "";

  load() {
    return this.#text;
  }

  /** @param {string} text */
  save(text) {
    this.#text = text;
  }
}

/** Cursor in the browser's storage. Use one key for each user and each page that runs alone. */
export class StorageCursor {
  #key;
  #storage;

  /**
   * @param {string} key
   * @param {Pick<Storage, "getItem" | "setItem">} storage
   */
  constructor(key, storage = localStorage) {
    this.#key = key;
    this.#storage = storage;
  }

  load() {
    return this.#storage.getItem(this.#key) ?? "";
  }

  /** @param {string} text */
  save(text) {
    try {
      this.#storage.setItem(this.#key, text);
    } catch {
      // The storage is full: after a restart, notifications since the last save come again.
    }
  }
}

/**
 * Client of one node. Iterate over it, or listen to `notification` events; either one connects.
 *
 * @implements {AsyncIterable<Notification>}
 */
export class Notifications extends /** @type {new () => Target} */ (EventTarget) {
  #url;
  #options;
  #timing;
  /** @type {State} */
  #state = stateOf("idle");
  /** @type {Line | null} */
  #line = null;
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();
  /** @type {Promise<unknown> | null} */
  #fetching = null;
  #tries = 0;
  #earliest = 0; // time before which a Retry-After forbids an attempt
  #replacing = false; // true if the last connection ended because its token expired
  #renewed = -Infinity; // time of the last renewal for a TOKEN_EXPIRING

  /** @type {Notification[]} */
  #buffer = [];
  /** @type {Map<string, boolean>} */
  #seen = new Map(); // received ids, each with a flag whether it is marked
  #received = "";
  #begun = 0; // newest seq when a connection was last opened without since
  #last = 0; // seq of the newest notification received
  #handled = "";
  #inHand = "";
  #missed = false; // true if notifications were dropped because the buffer was full

  /** @type {Set<string>} */
  #marks = new Set();
  #noted = 0;
  #settled = 0;
  #settling = 0; // number of calls of settled() that wait

  #listened = false;
  #handing = false;
  #ending = false;
  /** @type {Refused | null} */
  #refused = null;
  /** @type {Set<() => void>} */
  #checks = new Set();
  #outside = new AbortController(); // removes the listeners on globalThis, document and the signal

  /**
   * Create the client; no connection is opened yet.
   *
   * @param {string | URL} url URL of the node, `http(s)://` or `ws(s)://`
   * @param {Options} options
   * @throws {TypeError} the URL does not name a node, or an option has the wrong type
   */
  constructor(url, options) {
    super();
    const { WebSocket } = globalThis;
    const { random } = Math;
    const defaults = { cursor: new MemoryCursor(), buffer: 1000, extended: true, random, WebSocket };
    const given = (this.#options = { ...defaults, ...options });
    this.#timing = { ...TIMING, ...options.timing };
    const node = (this.#url = new URL(url));
    node.protocol = node.protocol.replace("http", "ws");
    node.pathname = node.pathname.replace(/\/+$/, "") || "/api/ws/notification";
    const wrong =
      !/^wss?:\/\/[^@/]+\/[^?#]*$/.test(node.href)
        ? "url"
        : !/^(string|function)$/.test(typeof given.token)
          ? "token"
          : !(given.buffer >= 1)
            ? "buffer"
            : typeof given.WebSocket != "function" && "WebSocket";
    if (wrong) throw new TypeError(`useby: ${wrong}`);
    this.#load();
    this.#on(given.signal, "abort", () => this.#end());
    if (given.signal?.aborted) this.#end();
  }

  /** Current state of the connection. */
  get state() {
    return this.#state;
  }

  // Called by the application

  /**
   * Yield notifications until `close()`. Leaving the loop closes the client, unless it has a
   * `notification` listener.
   *
   * @returns {AsyncGenerator<Notification, void, undefined>}
   * @throws {Refused} the server rejected the client permanently
   */
  async *[Symbol.asyncIterator]() {
    this.#start();
    try {
      for (;;) {
        const notification = await this.#when(() => {
          if (this.#ready()) return this.#hand();
          if (this.#refused) throw this.#refused;
          return this.#ending ? null : undefined;
        });
        if (!notification) return;
        this.#wake();
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
      this.#start();
      this.#changed();
    }
  }

  /**
   * Acknowledge notifications. The marks are queued when this returns and sent until they are
   * durable; see `settled()`. A marked notification counts as handled.
   *
   * @param {...string} ids
   */
  async markRead(...ids) {
    for (const id of ids) {
      if (typeof id != "string") throw new TypeError("useby: id");
      if (id == this.#inHand) this.#handled = id;
      this.#note(id);
    }
    this.#bring();
    this.#changed();
    await this.#save();
  }

  /** Acknowledge all received notifications and, on an extended session, all others too. */
  async markAllRead() {
    if (this.#line && this.#state.extended) this.#line.all = 1;
    await this.markRead(...[...this.#seen.keys()].filter((id) => !this.#seen.get(id)));
  }

  /**
   * Wait until every mark queued so far is durable.
   *
   * @throws {Unsettled} the client was closed before that
   */
  async settled() {
    const goal = this.#noted;
    this.#start();
    this.#settling++;
    this.#wake();
    try {
      await this.#when(() => {
        if (this.#settled >= goal && !this.#line?.all) return true;
        if (this.#state.name == "closed") throw new Unsettled("ended");
        return undefined;
      });
    } finally {
      this.#settling--;
    }
  }

  /** Flush the marks if connected, then close for good. */
  async close() {
    this.#ending = true;
    this.#changed();
    const state = this.#state;
    if (state.name == "connected") {
      await this.#within(() => this.#state != state || !(this.#marks.size || this.#line?.all));
      if (this.#line) {
        this.#line.socket.close(1000);
        await this.#within(() => this.#state != state);
      }
    }
    this.#end();
  }

  // Delivery

  #ready() {
    return this.#buffer.length && this.#marks.size < MARKS && !this.#ending;
  }

  #hand() {
    const notification = /** @type {Notification} */ (this.#buffer.shift());
    this.#inHand = notification.id;
    return notification;
  }

  /** @param {string} id */
  #handle(id) {
    if (id == this.#inHand && id != this.#handled) {
      this.#handled = id;
      return this.#save();
    }
    return undefined;
  }

  /** Check all waiting conditions again, and deliver to the listeners. */
  #changed() {
    for (const check of this.#checks) check();
    while (this.#listened && !this.#handing && this.#ready()) {
      this.#handing = true; // a listener may call methods that lead here again
      const notification = this.#hand();
      this.#tell("notification", notification);
      void this.#handle(notification.id);
      this.#handing = false;
    }
    this.#wake();
  }

  /**
   * @template Found
   * @param {() => Found | undefined} look ends the wait by returning a value or throwing
   * @returns {Promise<Found>}
   */
  #when(look) {
    return new Promise((resolve, reject) => {
      const check = () => {
        try {
          const found = look();
          if (found === undefined) return;
          resolve(found);
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
  #within(condition) {
    let late = false;
    this.#after(this.#timing.close, () => {
      late = true;
      this.#changed();
    });
    return this.#when(() => late || condition() || undefined);
  }

  /**
   * @param {string} kind
   * @param {unknown} detail
   */
  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  // Cursor

  #load() {
    try {
      /** @type {{after: unknown, begun: number, marks: unknown[]}} */
      const { after, begun, marks } = JSON.parse(this.#options.cursor.load());
      if (typeof after == "string") this.#handled = this.#received = after;
      this.#begun = begun;
      for (const id of marks) if (typeof id == "string") this.#note(id);
    } catch {
      // The text is empty or unreadable: start without a position.
    }
  }

  /** Save the position. Errors of the cursor reject the promise and interrupt nothing else. */
  async #save() {
    this.#options.cursor.save(
      JSON.stringify({ after: this.#handled, begun: this.#begun, marks: [...this.#marks] }),
    );
  }

  // States

  /**
   * @param {State["name"]} name
   * @param {Partial<Omit<State, "name">>} [more]
   */
  #enter(name, more) {
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
    if (name != "connected") this.#leave();
    const state = (this.#state = stateOf(name, more));
    this.#tell("state", state);
    this.#changed();
    return state;
  }

  #start() {
    if (this.#state.name != "idle") return;
    const page = globalThis.document;
    this.#on(globalThis, "online", () => this.#retryNow());
    this.#on(globalThis, "offline", () => this.#enter("waiting", { reason: "Offline" }));
    this.#on(page, "visibilitychange", () => {
      if (page.visibilityState != "visible") return;
      if (this.#line && this.#state.name == "connected") this.#ping(this.#line);
      else if (this.#state.wait != null) this.#retryNow();
    });
    this.#connect();
  }

  /**
   * Add a listener to another target; it is removed when the client closes.
   *
   * @param {Partial<EventTarget> | undefined} other
   * @param {string} kind
   * @param {() => void} action
   */
  #on(other, kind, action) {
    other?.addEventListener?.(kind, action, { signal: this.#outside.signal });
  }

  /** End the backoff, but not the wait of a `Retry-After`. */
  #retryNow() {
    if (this.#state.name != "waiting") return;
    const wait = this.#earliest - now();
    if (wait > 0) this.#wait({ ...this.#state, wait });
    else void this.#connect();
  }

  /** @param {Refused} [refused] */
  #end(refused) {
    if (this.#state.name == "closed") return;
    if (refused) this.#refused = refused;
    else this.#ending = true;
    this.#outside.abort();
    this.#enter("closed", refused);
  }

  /**
   * @param {number} seconds
   * @param {() => void} action
   */
  #after(seconds, action) {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        action();
      },
      Math.min(seconds * 1000, LONGEST),
    );
    this.#timers.add(timer);
  }

  /** @param {number} tries */
  #backoff(tries) {
    const { base, cap } = this.#timing;
    return this.#options.random() * Math.min(cap, base * 2 ** tries); // full jitter
  }

  /**
   * End the attempt or the connection, and reconnect after a wait.
   *
   * @param {number | null} code
   * @param {string} reason
   * @param {number} [first] seconds of a `Retry-After`, before the jittered wait
   */
  #retry(code, reason, first = 0) {
    this.#leave();
    if (this.#ending) return this.#end();
    const wait = first + this.#backoff(this.#tries++);
    if (first) this.#earliest = now() + wait;
    this.#wait({ code, reason, wait });
  }

  /** @param {{wait: number, code?: number | null, reason?: string}} why */
  #wait(why) {
    const state = this.#enter("waiting", why);
    if (this.#state == state) this.#after(why.wait, () => this.#connect());
  }

  // Tokens

  /**
   * Fetch a token within `open` seconds. Concurrent callers share one call.
   *
   * @returns {Promise<string>}
   */
  async #fetch() {
    const { token } = this.#options;
    const fetching = (this.#fetching ??= (async () => (typeof token == "string" ? token : token()))());
    try {
      /** @type {Promise<never>} */
      const late = new Promise((_, reject) => {
        this.#after(this.#timing.open, () => reject(new Error()));
      });
      const found = await Promise.race([fetching, late]);
      if (typeof found == "string") return found;
      throw new TypeError(); // the state shows only the name of the error
    } finally {
      if (this.#fetching == fetching) this.#fetching = null;
    }
  }

  /** Renew the token in-band, or reconnect with the new one. */
  async #renew(tries = 0) {
    if (typeof this.#options.token == "string") return;
    const state = this.#state;
    const is = () => this.#state == state && !this.#ending;
    /** @type {string} */
    let token;
    try {
      token = await this.#fetch();
    } catch (error) {
      if (is()) {
        this.#after(retryAfter(error) + this.#backoff(tries), () => void this.#renew(tries + 1));
      }
      return;
    }
    const line = this.#line;
    if (!is() || !line || token == line.token) return;
    line.token = token;
    if (!state.extended || !claims(token)) return void this.#connect(token);
    line.out.push(JSON.stringify({ action: "authenticate", access_token: token }));
    line.fails = this.#ping(line);
  }

  // Connection

  /**
   * Connect at once.
   *
   * @param {string} [fresh] a token that was fetched already
   */
  async #connect(fresh) {
    if (this.#ending) return this.#end();
    this.#leave(1000);
    const state = this.#enter("connecting");
    if (this.#state != state) return;
    try {
      const token = fresh ?? (await this.#fetch());
      if (this.#state == state) this.#open(token);
    } catch (error) {
      if (this.#state != state) return;
      /** @type {{status?: number | null, name?: string}} */
      const { status = null, name } = Object(error);
      const reason = `No token: ${name}`;
      if (error instanceof Refused) this.#end(error);
      else if (status == 401 || status == 403) this.#end(new Refused(status, reason));
      else this.#retry(status, reason, retryAfter(error));
    }
  }

  /** @param {string} token */
  #open(token) {
    const given = this.#options;
    const url = new URL(this.#url);
    url.searchParams.set("access_token", token);
    if (this.#received) url.searchParams.set("since", this.#received);
    const socket = new given.WebSocket(url.href, given.extended ? [PROTOCOL] : []);
    /** @type {Line} */
    const line = (this.#line = {
      socket,
      token,
      since: Infinity,
      out: [],
      spent: 0,
      pings: 0,
      pongs: 0,
      lot: null,
      settles: 0,
      fails: 0,
      all: 0,
    });
    socket.onmessage = (/** @type {MessageEvent<string>} */ { data }) => {
      if (this.#line == line) this.#receive(line, data);
    };
    /** @param {Event & {code?: number, reason?: string}} event */
    const over = ({ code = 1006, reason = "" }) => {
      if (this.#line == line) this.#lost(code, reason);
    };
    socket.onclose = over;
    socket.onerror = over; // Node.js 22 may send no close event after it
    this.#after(this.#timing.open, () => this.#retry(null, "No first frame"));
  }

  /**
   * Drop the connection, if there is one.
   *
   * @param {number} [code] close code; without one it is aborted, if the platform can do so
   */
  #leave(code) {
    const line = this.#line;
    this.#missed = false; // the next connection begins after the newest one received
    if (!line) return;
    this.#line = null;
    if (now() - line.since >= this.#timing.stable) this.#tries = 0;
    if (line.socket.terminate && !code) line.socket.terminate();
    else line.socket.close(code);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    const greeted = this.#state.name == "connected";
    this.#leave();
    if (code == 1008) {
      const expired = reason == EXPIRED;
      const last = typeof this.#options.token == "string" || this.#replacing;
      if (expired ? last : ENDS.test(reason)) return this.#end(new Refused(code, reason));
      this.#replacing ||= expired;
      // Repeated closes after the first frame get a backoff.
      if (expired && !(greeted && this.#tries++)) return void this.#connect();
    }
    this.#retry(code == 1006 ? null : code, reason); // 1006: the connection broke without a close
  }

  /**
   * @param {Line} line
   * @param {string} text
   */
  #receive(line, text) {
    /** @type {Frame} */
    let frame;
    try {
      frame = Object(JSON.parse(text));
    } catch {
      return;
    }
    const { type, action, ids, unread, change, product } = frame;
    if (this.#state.name == "connecting") {
      if (type == "CONNECTION_ESTABLISHED") this.#greeted(line, frame.seq);
    } else if (/^(info|warning|error)$/.test(`${type}`)) this.#take(frame);
    else if (type == "pong") this.#ponged(line);
    else if (/READ$/.test(`${type}`)) {
      /** @type {string[]} */
      const read = Array.isArray(ids) ? ids : [];
      read.forEach((id) => this.#isMarked(id));
      this.#tell("read", { ids: read, unread });
    } else if (type == "PRODUCT") this.#tell("product", { change, product });
    else if (type == "TOKEN_EXPIRING") {
      // A short-lived token gets another TOKEN_EXPIRING within a second; limit the renewals.
      if (now() - this.#renewed < this.#timing.refresh / 2) return;
      this.#renewed = now();
      void this.#renew();
    } else if (type == "AUTHENTICATED") line.fails = 0;
    else if (type == "REJECTED" && action == "authenticate") void this.#connect();
  }

  /**
   * @param {Line} line
   * @param {number} seq
   */
  #greeted(line, seq) {
    const extended = line.socket.protocol == PROTOCOL;
    line.since = now();
    // A lower number than before: the database was restored and reuses numbers.
    if (!this.#received || seq < this.#begun) this.#begun = seq;
    this.#replacing = false;
    const state = this.#enter("connected", { extended });
    if (this.#state != state) return;
    this.#beat(line);
    const left = life(line.token);
    if (!extended && left > 0) {
      const early = this.#timing.refresh * (0.5 + this.#options.random() / 2);
      this.#after(Math.max(left / 2, left - early), () => void this.#renew());
    }
    this.#bring();
  }

  /** @param {Frame} frame */
  #take(frame) {
    const { id, created_at: createdAt, readAt, ...said } = frame;
    if (typeof id != "string" || this.#seen.has(id) || this.#ending) return;
    if (this.#missed || this.#buffer.length >= this.#options.buffer) {
      this.#missed = true; // a later one would hide the gap, so nothing more is taken
      return this.#rest();
    }
    this.#received = id;
    // A reused number: nothing from here on is history.
    if (said.seq <= this.#last) this.#begun = 0;
    this.#last = said.seq;
    if (readAt && said.seq <= this.#begun) return; // it was read before the first connection
    this.#seen.set(id, false);
    if (this.#seen.size > SEEN) this.#seen.delete(this.#seen.keys().next().value ?? "");
    this.#buffer.push(
      Object.freeze({
        seq: null,
        event: null,
        productId: null,
        expiresOn: null,
        daysLeft: null,
        .../** @type {Pick<Notification, "message" | "type" | "productName">} */ (/** @type {unknown} */ (said)),
        id,
        createdAt: date(createdAt),
        readAt: readAt ? date(readAt) : null,
        markRead: () => this.markRead(id),
      }),
    );
    this.#changed();
  }

  /** Close because the buffer is full, as soon as no mark is unconfirmed. */
  #rest() {
    if (!this.#missed || !this.#line || this.#marks.size || this.#line.all) return;
    this.#leave(1000);
    this.#enter("waiting", { reason: "Buffer full" });
    this.#missed = true;
  }

  /** Reconnect after that, when half of the buffer is delivered or marks are awaited. */
  #wake() {
    if (!this.#missed) return;
    const half = this.#buffer.length <= this.#options.buffer / 2;
    const wanted = this.#marks.size && (this.#settling || this.#marks.size >= MARKS);
    const { name } = this.#state;
    if (name == "connected" ? half : name == "waiting" && (half || wanted)) void this.#connect();
  }

  // Frames to the server

  /** @param {Line} line */
  #send(line) {
    while (line.out.length) {
      const wait = line.spent - now() - (BURST - 1) / RATE;
      if (wait > 0) return this.#after(wait, () => this.#send(line));
      line.spent = Math.max(line.spent, now()) + 1 / RATE;
      line.socket.send(line.out.shift() ?? "");
    }
  }

  /**
   * @param {Line} line
   * @returns {number} the number of its pong
   */
  #ping(line) {
    const ping = ++line.pings;
    line.out.push("PING");
    this.#send(line);
    this.#after(this.#timing.pong + line.out.length / RATE, () => {
      if (line.pongs < ping) this.#retry(null, "No pong");
    });
    return ping;
  }

  /** @param {Line} line */
  #beat(line) {
    this.#after(this.#timing.ping * (1 + this.#options.random() / 5), () => {
      this.#ping(line);
      this.#beat(line);
    });
  }

  /** @param {string} id */
  #isMarked(id) {
    if (this.#seen.has(id)) this.#seen.set(id, true);
  }

  /** @param {string} id */
  #note(id) {
    this.#isMarked(id);
    if (!this.#marks.has(id)) this.#noted++;
    this.#marks.add(id);
  }

  /** Send the next batch of marks, followed by a PING, unless a batch is in flight. */
  #bring() {
    const line = this.#line;
    const { name, extended } = this.#state;
    if (name != "connected" || !line || line.lot || !(this.#marks.size || line.all)) return;
    const share = extended ? IDS : 1;
    line.lot = [...this.#marks].slice(0, line.all ? Infinity : LOT * share);
    if (line.all) {
      line.all = 2;
      line.out.push(JSON.stringify({ action: "mark_all_read" }));
    } else {
      // On an extended session the server rejects a whole frame for one invalid id.
      const ids = line.lot.filter((id) => !extended || UUID.test(id));
      for (let at = 0; at < ids.length; at += share) {
        const those = extended ? { ids: ids.slice(at, at + share) } : { id: ids[at] };
        line.out.push(JSON.stringify({ action: "mark_read", ...those }));
      }
    }
    line.settles = this.#ping(line);
  }

  /** @param {Line} line */
  #ponged(line) {
    if (++line.pongs == line.fails) return void this.#connect();
    if (line.pongs == line.settles && line.lot) {
      for (const id of line.lot) this.#marks.delete(id);
      this.#settled += line.lot.length;
      line.lot = null;
      if (line.all == 2) line.all = 0;
      void this.#save();
      this.#bring();
      this.#rest();
      this.#changed();
    }
  }
}

/**
 * Return the claims of a JWT; `null` if the token is none.
 *
 * @param {string} token
 * @returns {unknown}
 */
function claims(token) {
  try {
    return JSON.parse(atob(`${token.split(".")[1]}`.replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return null;
  }
}

/**
 * Return the remaining life in seconds of a token just received; 0 if it has no `exp`.
 *
 * @param {string} token
 */
function life(token) {
  /** @type {{exp: number, iat: number}} */
  const { exp, iat } = Object(claims(token));
  if (typeof exp != "number") return 0;
  const left = exp - Date.now() / 1000;
  const whole = exp - iat;
  return whole > 0 && !(left > 0 && left <= whole) ? whole : left; // `whole`: a wrong clock
}

/**
 * Return the seconds of the `Retry-After` of an error or a response; 0 if there is none.
 *
 * @param {unknown} error
 */
function retryAfter(error) {
  /** @type {{retryAfter?: number, headers?: Headers}} */
  const { retryAfter, headers } = Object(error);
  const said = retryAfter ?? headers?.get("retry-after");
  const seconds = Number(said) >= 0 ? Number(said) : (Date.parse(`${said}`) - Date.now()) / 1000;
  return seconds > 0 ? Math.min(HOUR, seconds) : 0;
}

/**
 * Parse a time of the server; without a zone it is UTC.
 *
 * @param {string} text
 */
function date(text) {
  return new Date(/T[^Z+-]*$/.test(text) ? `${text}Z` : text);
}
