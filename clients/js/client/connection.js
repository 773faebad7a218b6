/**
 * One WebSocket connection: rate-limited frames, PINGs with their pongs, renewal of the token.
 *
 * @module
 */

import { now } from "./timing.js";

/** @typedef {import("./timing.js").Timers} Timers */
/** @typedef {import("./options.js").Settings} Settings */

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
 * @property {import("./events.js").Product} product
 * @property {string} [householdId]
 */

/**
 * @typedef {object} Handlers callbacks of a connection; none is called after `leave`
 * @property {(frame: Frame) => void} receive handles a frame that is for the client
 * @property {(code: number, reason: string) => void} closed
 * @property {() => void} unanswered handles a PING without its pong in time
 * @property {() => void} ignored handles a fresh token that the server did not answer
 */

const PROTOCOL = "useby.v1";
/** Burst and frames per second of the rate limit. A node allows 60 and 20. */
const BURST = 40;
const RATE = 15;

/** A connection that is being opened or is open. */
export class Connection {
  /** Time of the first frame. */
  since = Infinity;
  #socket;
  #settings;
  #timers;
  #handlers;
  #left = false;
  #authenticated = false;
  /**
   * Frames to send, held back by the rate limit.
   *
   * @type {string[]}
   */
  #queue = [];
  /** Time until which the sent frames use up the rate. */
  #sendAllowedAt = 0;
  /**
   * Actions on the awaited pongs, in the order of their PINGs.
   *
   * @type {(() => void)[]}
   */
  #pongs = [];

  /**
   * Open a connection.
   *
   * @param {URL} url
   * @param {string} token current token of the connection
   * @param {Settings} settings
   * @param {Timers} timers
   * @param {Handlers} handlers
   */
  constructor(url, token, settings, timers, handlers) {
    /** @type {string} */
    this.token = token;
    this.#settings = settings;
    this.#timers = timers;
    this.#handlers = handlers;
    const socket = new settings.WebSocket(url.href, settings.extended ? [PROTOCOL] : []);
    this.#socket = socket;
    socket.onmessage = (/** @type {MessageEvent<string>} */ { data }) => this.#onMessage(data);
    /** @param {Event & {code?: number, reason?: string}} event */
    const over = ({ code = 1006, reason = "" }) => {
      if (!this.#left) handlers.closed(code, reason);
    };
    socket.onclose = over;
    socket.onerror = over; // Node.js 22 may send no close event after it
  }

  get extended() {
    return this.#socket.protocol == PROTOCOL;
  }

  /** Close the socket; the server's answer is awaited. */
  close() {
    this.#socket.close(1000);
  }

  /**
   * Drop the connection.
   *
   * @param {number} [code] close code; without one it is aborted, if the platform can do so
   */
  leave(code) {
    this.#left = true;
    if (this.#socket.terminate && !code) this.#socket.terminate();
    else this.#socket.close(code);
  }

  /** @param {string} text */
  #onMessage(text) {
    if (this.#left) return;
    /** @type {Frame} */
    let frame;
    try {
      frame = Object(JSON.parse(text));
    } catch {
      return;
    }
    if (frame.type == "pong") this.#pongs.shift()?.();
    else if (frame.type == "AUTHENTICATED") this.#authenticated = true;
    else this.#handlers.receive(frame);
  }

  /**
   * Send frames as the rate limit allows, and a PING behind them. The server handles frames in
   * order, so its pong shows that the frames were handled.
   *
   * @param {string[]} frames
   * @param {() => void} onPong
   */
  send(frames, onPong) {
    this.#pongs.push(onPong);
    this.#queue.push(...frames, "PING");
    this.#drain();
    this.#timers.after(this.#settings.timing.pongTimeout + this.#queue.length / RATE, () => {
      if (this.#pongs.includes(onPong)) this.#handlers.unanswered();
    });
  }

  ping() {
    this.send([], () => {});
  }

  schedulePing() {
    const { random, timing } = this.#settings;
    this.#timers.after(timing.pingInterval * (1 + random() / 5), () => {
      this.ping();
      this.schedulePing();
    });
  }

  /**
   * Renew the token of an extended session.
   *
   * @param {string} token
   */
  authenticate(token) {
    this.token = token;
    this.#authenticated = false;
    this.send([JSON.stringify({ action: "authenticate", access_token: token })], () => {
      if (!this.#authenticated) this.#handlers.ignored(); // no answer will follow
    });
  }

  #drain() {
    while (this.#queue.length) {
      const wait = this.#sendAllowedAt - now() - (BURST - 1) / RATE;
      if (wait > 0) return this.#timers.after(wait, () => this.#drain());
      this.#sendAllowedAt = Math.max(this.#sendAllowedAt, now()) + 1 / RATE;
      this.#socket.send(this.#queue.shift() ?? "");
    }
  }
}
