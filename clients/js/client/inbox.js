/**
 * Bounded buffer of received notifications: each once and in order.
 *
 * @module
 */

import { notificationOf } from "./events.js";

/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {import("./events.js").Notification} Notification */

/** Number of received ids that are remembered. */
const SEEN = 10000;

/**
 * Buffer between the connection and the application.
 *
 * When it is full, the next notification and all later ones are dropped; a later one that was kept
 * would hide the gap. The server sends them again when asked for those after `newest`.
 */
export class Inbox {
  /** Id of the newest notification received; `""` if there is none. */
  newest = "";
  /** Newest `seq` when a connection was last opened without `since`. */
  replayBaseline = 0;
  /** True if notifications were dropped since the connection was opened. */
  dropped = false;
  #size;
  #lastSeq = 0;
  /** @type {Notification[]} */
  #buffer = [];
  /**
   * Received ids, each with a flag that it is marked.
   *
   * @type {Map<string, boolean>}
   */
  #seen = new Map();

  /** @param {number} size maximum number of notifications */
  constructor(size) {
    this.#size = size;
  }

  get length() {
    return this.#buffer.length;
  }

  get halfEmpty() {
    return this.length <= this.#size / 2;
  }

  /** Ids received and not marked. */
  get unmarked() {
    return [...this.#seen.keys()].filter((id) => !this.#seen.get(id));
  }

  /** @param {string} id */
  setMarked(id) {
    if (this.#seen.has(id)) this.#seen.set(id, true);
  }

  /** @param {number} seq `seq` of a connection's first frame */
  opened(seq) {
    // A lower number than before: the database was restored and reuses numbers.
    if (!this.newest || seq < this.replayBaseline) this.replayBaseline = seq;
  }

  /**
   * Add a notification that was not received before, or drop it if the buffer is full.
   *
   * @param {Frame} frame
   * @param {(id: string) => Promise<void>} markRead
   */
  put(frame, markRead) {
    const { id, seq, readAt } = frame;
    if (typeof id != "string" || this.#seen.has(id)) return;
    if (this.dropped || this.length >= this.#size) {
      this.dropped = true;
      return;
    }
    this.newest = id;
    // A reused number: nothing from here on is history.
    if (seq <= this.#lastSeq) this.replayBaseline = 0;
    this.#lastSeq = seq;
    if (readAt && seq <= this.replayBaseline) return; // it was read before the first connection
    this.#seen.set(id, false);
    if (this.#seen.size > SEEN) this.#seen.delete(this.#seen.keys().next().value ?? "");
    this.#buffer.push(notificationOf({ ...frame, id }, () => markRead(id)));
  }

  /** Remove and return the oldest notification. */
  take() {
    return /** @type {Notification} */ (this.#buffer.shift());
  }
}
