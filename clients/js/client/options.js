/**
 * Options of the client, their defaults and their checks.
 *
 * @module
 */

import { MemoryCursor } from "./cursor.js";
import { TIMING } from "./timing.js";

/** @typedef {import("./connection.js").Socket} Socket */
/** @typedef {import("./cursor.js").Cursor} Cursor */
/** @typedef {import("./timing.js").Timing} Timing */

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
 * @typedef {Required<Omit<Options, "signal" | "timing">> & {signal?: AbortSignal, timing: Timing}}
 *   Settings options with their defaults
 */

/**
 * Return the options with their defaults.
 *
 * @param {Options} options
 * @returns {Settings}
 * @throws {TypeError} an option has the wrong type
 */
export function settingsOf(options) {
  const { WebSocket } = globalThis;
  const { random } = Math;
  const defaults = { cursor: new MemoryCursor(), buffer: 1000, extended: true, random, WebSocket };
  const settings = { ...defaults, ...options, timing: { ...TIMING, ...options.timing } };
  check("token", /^(string|function)$/.test(typeof settings.token));
  check("buffer", settings.buffer >= 1);
  check("WebSocket", typeof settings.WebSocket == "function");
  return settings;
}

/**
 * Return the URL of the socket.
 *
 * @param {string | URL} url URL of the node
 * @throws {TypeError} it does not name a node
 */
export function socketUrl(url) {
  const node = new URL(url);
  node.protocol = node.protocol.replace("http", "ws");
  node.pathname = node.pathname.replace(/\/+$/, "") || "/api/ws/notification";
  check("url", /^wss?:\/\/[^@/]+\/[^?#]*$/.test(node.href));
  return node;
}

/**
 * @param {string} name
 * @param {boolean} valid
 */
function check(name, valid) {
  if (!valid) throw new TypeError(`useby: ${name}`);
}
