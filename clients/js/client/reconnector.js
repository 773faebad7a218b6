/**
 * Keep one connection open: fetch a token, connect, wait, reconnect, renew the token.
 *
 * Only `#enter` sets `state`; it clears the timers of the state before. Each state is a new object,
 * so that code after an `await` can check with `===` whether the state is still the same.
 *
 * @module
 */

import { Connection } from "./connection.js";
import { ConnectionRejected } from "./errors.js";
import { stateOf } from "./events.js";
import { now, retryAfterOf, Timers } from "./timing.js";
import { claims, life } from "./token.js";

/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {import("./events.js").State} State */
/** @typedef {import("./options.js").Settings} Settings */

/**
 * @typedef {object} Host callbacks of the client
 * @property {() => string} since returns the id of the newest notification received
 * @property {(state: State, greeting?: Frame) => void} entered handles a new state; `connected`
 *   comes with the first frame
 * @property {(frame: Frame) => void} receive
 * @property {() => void} left handles the end of a connection or of a wait
 */

const EXPIRED = "Access token expired";
const ENDS =
  /^(Access (token required|revoked)|Invalid access token|Unknown user|Origin not allowed)$/;

/** States of the client, and the connection of the current one. */
export class Reconnector {
  state = stateOf("idle");
  /**
   * Connection that is being opened or is open.
   *
   * @type {Connection | null}
   */
  connection = null;
  /** True if no further attempt is made. */
  closing = false;
  /**
   * Permanent rejection that closed the client.
   *
   * @type {ConnectionRejected | null}
   */
  rejection = null;
  /** Timers of the current state. */
  timers = new Timers();
  #url;
  #settings;
  #host;
  /** @type {Promise<unknown> | null} */
  #fetching = null;
  #failures = 0;
  #earliest = 0; // time before which a Retry-After forbids an attempt
  #tokenExpired = false; // true if the last connection ended because its token expired
  #renewedAt = -Infinity; // time of the last renewal for a TOKEN_EXPIRING
  #abort = new AbortController(); // removes the listeners on globalThis, document and the signal

  /**
   * @param {URL} url
   * @param {Settings} settings
   * @param {Host} host
   */
  constructor(url, settings, host) {
    this.#url = url;
    this.#settings = settings;
    this.#host = host;
    this.#listen(settings.signal, "abort", () => this.end());
  }

  // States

  /** Connect, if that was not done before. */
  start() {
    if (this.state.name != "idle") return;
    const page = globalThis.document;
    this.#listen(globalThis, "online", () => this.#retryNow());
    this.#listen(globalThis, "offline", () => this.#enter("waiting", { reason: "Offline" }));
    this.#listen(page, "visibilitychange", () => {
      if (page.visibilityState != "visible") return;
      if (this.state.name == "connected") this.connection?.ping();
      else if (this.state.wait != null) this.#retryNow();
    });
    void this.connect();
  }

  /** Close the connection without a next attempt, until `connect` is called. */
  pause() {
    this.#leave(1000);
    this.#enter("waiting", { reason: "Buffer full" });
  }

  /**
   * Close for good.
   *
   * @param {ConnectionRejected} [rejection]
   */
  end(rejection) {
    if (this.state.name == "closed") return;
    if (rejection) this.rejection = rejection;
    else this.closing = true;
    this.#abort.abort();
    this.#enter("closed", rejection);
  }

  /**
   * @param {State["name"]} name
   * @param {Partial<Omit<State, "name">>} [more]
   * @param {Frame} [greeting]
   */
  #enter(name, more, greeting) {
    this.timers.clear();
    if (name != "connected") this.#leave();
    const state = (this.state = stateOf(name, more));
    this.#host.entered(state, greeting);
    return state;
  }

  /**
   * Add a listener to another target; it is removed when the client closes.
   *
   * @param {Partial<EventTarget> | undefined} target
   * @param {string} kind
   * @param {() => void} action
   */
  #listen(target, kind, action) {
    target?.addEventListener?.(kind, action, { signal: this.#abort.signal });
  }

  /** End the backoff, but not the wait of a `Retry-After`. */
  #retryNow() {
    if (this.state.name != "waiting") return;
    const wait = this.#earliest - now();
    if (wait > 0) this.#wait({ ...this.state, wait });
    else void this.connect();
  }

  /** @param {number} failures */
  #backoff(failures) {
    const { random, timing } = this.#settings;
    return random() * Math.min(timing.backoffMax, timing.backoffBase * 2 ** failures); // full jitter
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
    if (this.closing) return this.end();
    const wait = first + this.#backoff(this.#failures++);
    if (first) this.#earliest = now() + wait;
    this.#wait({ code, reason, wait });
  }

  /** @param {{wait: number, code?: number | null, reason?: string}} why */
  #wait(why) {
    const state = this.#enter("waiting", why);
    if (this.state == state) this.timers.after(why.wait, () => this.connect());
  }

  // Tokens

  /**
   * Fetch a token within `connectTimeout` seconds. Concurrent callers share one call.
   *
   * @returns {Promise<string>}
   */
  async #fetch() {
    const { token, timing } = this.#settings;
    const fetching = (this.#fetching ??= (async () => (typeof token == "string" ? token : token()))());
    try {
      /** @type {Promise<never>} */
      const late = new Promise((_, reject) => {
        this.timers.after(timing.connectTimeout, () => reject(new Error()));
      });
      const fetched = await Promise.race([fetching, late]);
      if (typeof fetched == "string") return fetched;
      throw new TypeError(); // the state shows only the name of the error
    } finally {
      if (this.#fetching == fetching) this.#fetching = null;
    }
  }

  /** Renew the token in-band, or reconnect with the new one. */
  async #renew(failures = 0) {
    if (typeof this.#settings.token == "string") return;
    const { state } = this;
    const isCurrent = () => this.state == state && !this.closing;
    /** @type {string} */
    let token;
    try {
      token = await this.#fetch();
    } catch (error) {
      if (isCurrent()) {
        const wait = retryAfterOf(error) + this.#backoff(failures);
        this.timers.after(wait, () => void this.#renew(failures + 1));
      }
      return;
    }
    const { connection } = this;
    if (!isCurrent() || !connection || token == connection.token) return;
    if (state.extended && claims(token)) connection.authenticate(token);
    else void this.connect(token);
  }

  // Connection

  /**
   * Connect at once.
   *
   * @param {string} [fresh] a token that was fetched already
   */
  async connect(fresh) {
    if (this.closing) return this.end();
    this.#leave(1000);
    const state = this.#enter("connecting");
    if (this.state != state) return;
    try {
      const token = fresh ?? (await this.#fetch());
      if (this.state == state) this.#open(token);
    } catch (error) {
      if (this.state != state) return;
      /** @type {{status?: number | null, name?: string}} */
      const { status = null, name } = Object(error);
      const reason = `No token: ${name}`;
      if (error instanceof ConnectionRejected) this.end(error);
      else if (status == 401 || status == 403) this.end(new ConnectionRejected(status, reason));
      else this.#retry(status, reason, retryAfterOf(error));
    }
  }

  /** @param {string} token */
  #open(token) {
    const url = new URL(this.#url);
    url.searchParams.set("access_token", token);
    const since = this.#host.since();
    if (since) url.searchParams.set("since", since);
    this.connection = new Connection(url, token, this.#settings, this.timers, {
      receive: (frame) => this.#receive(frame),
      closed: (code, reason) => this.#closed(code, reason),
      unanswered: () => this.#retry(null, "No pong"),
      ignored: () => void this.connect(),
    });
    this.timers.after(this.#settings.timing.connectTimeout, () => {
      this.#retry(null, "No first frame");
    });
  }

  /**
   * Drop the connection, if there is one.
   *
   * @param {number} [code] close code; without one it is aborted, if the platform can do so
   */
  #leave(code) {
    const { connection } = this;
    this.#host.left();
    if (!connection) return;
    this.connection = null;
    if (now() - connection.since >= this.#settings.timing.stableAfter) this.#failures = 0;
    connection.leave(code);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #closed(code, reason) {
    const greeted = this.state.name == "connected";
    this.#leave();
    if (code == 1008) {
      const expired = reason == EXPIRED;
      const last = typeof this.#settings.token == "string" || this.#tokenExpired;
      if (expired ? last : ENDS.test(reason)) return this.end(new ConnectionRejected(code, reason));
      this.#tokenExpired ||= expired;
      // Repeated closes after the first frame get a backoff.
      if (expired && !(greeted && this.#failures++)) return void this.connect();
    }
    this.#retry(code == 1006 ? null : code, reason); // 1006: the connection broke without a close
  }

  /** @param {Frame} frame */
  #receive(frame) {
    const { type, action } = frame;
    if (this.state.name == "connecting") {
      if (type == "CONNECTION_ESTABLISHED") this.#opened(frame);
    } else if (type == "TOKEN_EXPIRING") {
      // A short-lived token gets another TOKEN_EXPIRING within a second; limit the renewals.
      if (now() - this.#renewedAt < this.#settings.timing.refreshBefore / 2) return;
      this.#renewedAt = now();
      void this.#renew();
    } else if (type == "REJECTED" && action == "authenticate") void this.connect();
    else this.#host.receive(frame);
  }

  /** @param {Frame} greeting */
  #opened(greeting) {
    const { connection } = this;
    if (!connection) return;
    const { extended } = connection;
    connection.since = now();
    this.#tokenExpired = false;
    const state = this.#enter("connected", { extended }, greeting);
    if (this.state != state) return;
    connection.schedulePing();
    const left = life(connection.token);
    if (!extended && left > 0) {
      const { random, timing } = this.#settings;
      const early = timing.refreshBefore * (0.5 + random() / 2);
      this.timers.after(Math.max(left / 2, left - early), () => void this.#renew());
    }
  }
}
