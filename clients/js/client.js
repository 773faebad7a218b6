/**
 * A person's notifications, from a useby node over its WebSocket: each once and in order, through
 * lost connections. What is promised, and why each rule is as it is: `docs/reference/clients.md`.
 *
 * What arrives is taken into a bounded buffer (`#take`) and handed over one by one (`#hand`). The
 * connection is `#line`, and all that is true of one connection only is in it. `#state` has one
 * setter, `#enter`, which ends the timers of the state before; a state is an object of its own, so
 * that whoever has waited for something finds out by `===` whether it is still the same.
 *
 * @module
 */

/**
 * @typedef {object} Notification
 * @property {string} id never used again
 * @property {string} message
 * @property {"info" | "warning" | "error"} type
 * @property {string} productName `""` where no product is meant
 * @property {Date} createdAt
 * @property {number | null} seq this and what follows: in an extended session, else `null`
 * @property {string | null} event `expiring`, `expired`, `added`, …
 * @property {string | null} productId
 * @property {string | null} expiresOn `YYYY-MM-DD`
 * @property {number | null} daysLeft
 * @property {Date | null} readAt
 * @property {() => Promise<void>} markRead notes that it was read; the server has it in a moment
 */

/**
 * @typedef {object} State
 * @property {"idle" | "connecting" | "connected" | "waiting" | "closed"} name
 * @property {number | null} code of the server's close or HTTP answer, if that is why
 * @property {string} reason
 * @property {number | null} wait seconds until the next attempt; `null` where no time is set
 * @property {boolean} extended whether the extended session was granted
 */

/** @typedef {{ids: string[], unread: number}} Read what was read, on any device; and the count */
/** @typedef {{change: string, product: object}} ProductChanged as REST shows the product */

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
 * }} Target an `EventTarget` that knows its events
 */

/** @typedef {{load(): string, save(text: string): void}} Cursor keeps one text; `""` is none */

/**
 * @typedef {object} Timing all in seconds
 * @property {number} base the first wait is at most this; each next one twice the one before
 * @property {number} cap but no longer than this
 * @property {number} stable a connection that stood so long resets that
 * @property {number} ping between PINGs
 * @property {number} pong until the answer is due
 * @property {number} refresh a fresh token is fetched so long before the old one ends
 * @property {number} open until a token, and then a connection's first frame, is due
 * @property {number} close how long `close()` waits, for marks and for the server's answer
 */

/**
 * @typedef {object} Options
 * @property {string | (() => string | Promise<string>)} token an access token or a ticket, or what
 *   fetches a fresh one. An error with `status` 401 or 403 is the end; `retryAfter` (seconds), or
 *   the header of a `Response` that is thrown, is waited for
 * @property {Cursor} [cursor] where the place is kept
 * @property {number} [buffer] notifications that may wait for the application
 * @property {boolean} [extended] `false` for a server that knows the plain contract only
 * @property {Partial<Timing>} [timing]
 * @property {() => number} [random] from 0 to 1
 * @property {AbortSignal} [signal] ends it as `close()` does, but without waiting
 * @property {new (url: string, protocols: string[]) => Socket} [WebSocket] a class like the
 *   browser's, where the platform has none
 */

/**
 * @typedef {Pick<WebSocket, "send" | "close" | "protocol" | "onmessage" | "onclose" | "onerror">
 *   & {terminate?: () => void}} Socket what is used of a WebSocket
 */

/**
 * @typedef {object} Frame what a server may say; which of it is there is not known yet
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
 * @typedef {object} Line one connection
 * @property {Socket} socket
 * @property {string} token what it was opened with, or was given since
 * @property {number} since when its first frame came
 * @property {string[]} out frames that wait for their turn
 * @property {number} spent until when the rate is used up by what has left
 * @property {number} pings
 * @property {number} pongs
 * @property {string[] | null} lot marks that are under way
 * @property {number} settles the pong by which they are durable
 * @property {number} fails the pong before which a fresh token is to have been taken, or else 0
 * @property {0 | 1 | 2} all whether all are to be marked: no, yes, under way
 */

const PROTOCOL = "useby.v1";
const EXPIRED = "Access token expired";
const ENDS =
  /^(Access (token required|revoked)|Invalid access token|Unknown user|Origin not allowed)$/;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){4}[\da-f]{8}$/i;
/** Unsettled marks past which nothing more is handed over. */
const MARKS = 1000;
/** Ids that are remembered. */
const SEEN = 10000;
/** Frames of a lot, and ids in a frame of an extended session. */
const LOT = 30;
const IDS = 90;
/** Frames that may leave at once, and per second. A node allows 60 and 20. */
const BURST = 40;
const RATE = 15;
/** Milliseconds that a timer is set for at most: the platform's bound is 2 ** 31. */
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

/** The server won't have this client, and coming back can't help. */
export class Refused extends Error {
  name = "Refused";

  /**
   * @param {number | null} code of the close, or the HTTP status of the token's refusal
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

/** It has ended before every mark was known to be durable. */
export class Unsettled extends Error {
  name = "Unsettled";
}

/** Keeps the place as long as the page or the program lasts. */
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

/** Keeps the place in the browser: one key for each user, and each page that runs by itself. */
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
      // It is full. What is not kept comes again after a restart, and is not lost.
    }
  }
}

/**
 * Iterate over it, or listen to its `notification` events. The first of either opens it.
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
  #earliest = 0; // before this no attempt is to be made, the server said
  #replacing = false; // the last connection ended because its token had
  #renewed = -Infinity; // when a session's token was last asked for in its place

  /** @type {Notification[]} */
  #buffer = [];
  /** @type {Map<string, boolean>} */
  #seen = new Map(); // what was received, and whether it is marked
  #received = "";
  #begun = 0; // the newest there was when only what was unread was asked for
  #last = 0; // the number of the newest that was received
  #handled = "";
  #inHand = "";
  #missed = false; // something came, the buffer was full, and we have not come back for it

  /** @type {Set<string>} */
  #marks = new Set();
  #noted = 0;
  #settled = 0;
  #settling = 0; // how many wait for that

  #listened = false;
  #handing = false;
  #ending = false;
  /** @type {Refused | null} */
  #refused = null;
  /** @type {Set<() => void>} */
  #checks = new Set();
  #outside = new AbortController(); // whose end is that of all listeners on others

  /**
   * Opens nothing yet.
   *
   * @param {string | URL} url the node, `http(s)://` or `ws(s)://`
   * @param {Options} options
   * @throws {TypeError} the URL is no node's, or an option is of the wrong kind
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

  /** How the connection is. */
  get state() {
    return this.#state;
  }

  // the application's side

  /**
   * Every notification, until `close()`. Breaking off closes, unless somebody listens.
   *
   * @returns {AsyncGenerator<Notification, void, undefined>}
   * @throws {Refused} the server won't have us
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
   * Listen. Who listens to `notification` opens the connection, and goes on to be handed what
   * arrives until `close()`.
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
   * Note that these were read. The server has it in a moment, or after the next reconnect; see
   * `settled()`. One that is marked counts as handled.
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

  /** Note that all that came were read and, in an extended session, all others the user has. */
  async markAllRead() {
    if (this.#line && this.#state.extended) this.#line.all = 1;
    await this.markRead(...[...this.#seen.keys()].filter((id) => !this.#seen.get(id)));
  }

  /**
   * Returns when every mark noted so far is durable.
   *
   * @throws {Unsettled} it has ended before
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

  /** End it: bring the marks home if it is connected, close, and leave nothing behind. */
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

  // handing over

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

  /** Something is not as it was: whoever waits looks whether it is what he waits for. */
  #changed() {
    for (const check of this.#checks) check();
    while (this.#listened && !this.#handing && this.#ready()) {
      this.#handing = true; // a listener may do what leads here again
      const notification = this.#hand();
      this.#tell("notification", notification);
      void this.#handle(notification.id);
      this.#handing = false;
    }
    this.#wake();
  }

  /**
   * @template Found
   * @param {() => Found | undefined} look gives something, or throws, when the wait is over
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

  // the place

  #load() {
    try {
      /** @type {{after: unknown, begun: number, marks: unknown[]}} */
      const { after, begun, marks } = JSON.parse(this.#options.cursor.load());
      if (typeof after == "string") this.#handled = this.#received = after;
      this.#begun = begun;
      for (const id of marks) if (typeof id == "string") this.#note(id);
    } catch {
      // There is none yet, or it is not ours.
    }
  }

  /** What a cursor throws is for who waits for this, and interrupts nothing. */
  async #save() {
    this.#options.cursor.save(
      JSON.stringify({ after: this.#handled, begun: this.#begun, marks: [...this.#marks] }),
    );
  }

  // states

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
   * Hear something of another's, until the end.
   *
   * @param {Partial<EventTarget> | undefined} other
   * @param {string} kind
   * @param {() => void} action
   */
  #on(other, kind, action) {
    other?.addEventListener?.(kind, action, { signal: this.#outside.signal });
  }

  /** Somebody is there again: no wait, but for one that was asked for. */
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
   * The attempt or the connection is over; come back after a wait.
   *
   * @param {number | null} code
   * @param {string} reason
   * @param {number} [first] seconds that are waited for before the jittered wait
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

  // tokens

  /**
   * A fresh token, in good time. Those who ask at once share it.
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
      throw new TypeError(); // only its name is told
    } finally {
      if (this.#fetching == fetching) this.#fetching = null;
    }
  }

  /** The session's token is about to end: bring the next one, or come again with it. */
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

  // the connection

  /**
   * Connect, now.
   *
   * @param {string} [fresh] a token that was just fetched
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
    socket.onerror = over; // Node.js 22 may say nothing more
    this.#after(this.#timing.open, () => this.#retry(null, "No first frame"));
  }

  /**
   * Be done with the connection, if there is one.
   *
   * @param {number} [code] close it so; without one it is cut, as far as the platform lets us
   */
  #leave(code) {
    const line = this.#line;
    this.#missed = false; // what comes next is asked for from the newest one received
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
      // One that is taken in and dropped again and again waits all the same.
      if (expired && !(greeted && this.#tries++)) return void this.#connect();
    }
    this.#retry(code == 1006 ? null : code, reason); // 1006: the server said nothing
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
      // The server says it again when the next one is as brief.
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
    // A lower one than before is of a database that was restored and gives numbers again.
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
      this.#missed = true; // and nothing after it is taken, or this one would be passed over
      return this.#rest();
    }
    this.#received = id;
    // A number that is given again: nothing from here on is history.
    if (said.seq <= this.#last) this.#begun = 0;
    this.#last = said.seq;
    if (readAt && said.seq <= this.#begun) return; // it was read before we came
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

  /** The buffer is full: close, as soon as no mark is under way. */
  #rest() {
    if (!this.#missed || !this.#line || this.#marks.size || this.#line.all) return;
    this.#leave(1000);
    this.#enter("waiting", { reason: "Buffer full" });
    this.#missed = true;
  }

  /** Go on after that, when half of it is worked off or when somebody waits for marks. */
  #wake() {
    if (!this.#missed) return;
    const half = this.#buffer.length <= this.#options.buffer / 2;
    const wanted = this.#marks.size && (this.#settling || this.#marks.size >= MARKS);
    const { name } = this.#state;
    if (name == "connected" ? half : name == "waiting" && (half || wanted)) void this.#connect();
  }

  // frames to the server

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
   * @returns {number} the pong that answers it
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

  /** Bring the next lot of marks to the server, and a PING behind it, unless one is under way. */
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
      // In an extended session an id that can't be one would spoil its frame for the others.
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
 * What a JWT says of itself; `null` if it is none.
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
 * Seconds for which a token is good that has just come; none if they are not known.
 *
 * @param {string} token
 */
function life(token) {
  /** @type {{exp: number, iat: number}} */
  const { exp, iat } = Object(claims(token));
  if (typeof exp != "number") return 0;
  const left = exp - Date.now() / 1000;
  const whole = exp - iat;
  return whole > 0 && !(left > 0 && left <= whole) ? whole : left; // or the clock here is wrong
}

/**
 * Seconds that an error, or an answer of REST, asks to wait.
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
 * A moment of the server's; without a zone it is UTC.
 *
 * @param {string} text
 */
function date(text) {
  return new Date(/T[^Z+-]*$/.test(text) ? `${text}Z` : text);
}
