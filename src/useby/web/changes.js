/**
 * What a person changes, on its way to the node.
 *
 * Each change has an idempotency key. If the node is not reached, the change is kept on this device
 * and sent later; it is not known then whether the node has received it, so it is repeated with its
 * key. While earlier changes wait, later ones wait behind them.
 *
 * @module
 */

import { ApiError, headersOf } from "./api.js";

/** Answers of a proxy in front of a node that is down, or of a node without its database. */
const AWAY = [502, 503, 504];
const KEY_BYTES = 16;

/**
 * @typedef {object} Change
 * @property {"lot" | "product" | "undo" | "add" | "edit" | "delete" | "read" | "read-all" | "snooze"} kind
 * @property {string} subject id of the lot, product, movement or notification; empty if a product is added or all is read
 * @property {"POST" | "PATCH" | "DELETE"} [method] `POST` unless it is given
 * @property {string} path
 * @property {object} body empty for `DELETE`, which has none
 * @property {readonly import("./types.js").KeptLot[]} [before] lots as they were before what an undo takes back
 * @property {string} [name] of the product that an undo is about
 * @property {string | undefined} [household] id that the request names; none or empty for the person's own
 */

/** A change that waits on this device. It is an error for those who need the node's answer. */
export class Queued extends Error {
  name = "Queued";

  /** @param {() => Promise<unknown>} undo takes the change back, or undoes it once it is sent */
  constructor(undo) {
    super("The change waits on this device.");
    this.undo = undo;
  }
}

/**
 * Return true if a request has not been answered by the node, which may have received it.
 *
 * @param {unknown} error
 */
export const isUnreached = (error) =>
  error instanceof ApiError ? AWAY.includes(error.status) : error instanceof TypeError || isTimeout(error);

/**
 * Return true if a request has had no answer in time, although the device has a connection.
 *
 * @param {unknown} error
 */
export const isTimeout = (error) => error instanceof DOMException && error.name === "TimeoutError";

/**
 * Return the method, the path and the body of the request that makes a change.
 *
 * @param {Change} change
 * @returns {[string, string, object | undefined]}
 */
export const requestOf = ({ method = "POST", path, body }) => [method, path, method === "DELETE" ? undefined : body];

/**
 * Return true if a change was answered, and false if it waits on this device.
 *
 * @param {Promise<unknown>} change
 */
export const isAnswered = (change) =>
  change.then(
    () => true,
    (error) => {
      if (error instanceof Queued) return false;
      throw error;
    },
  );

export class Changes {
  #store;
  #session;
  #offline;

  /**
   * @param {import("./state.js").Store} store
   * @param {import("./session.js").Session} session
   * @param {() => Promise<import("./offline.js").Offline>} offline loads the module that keeps changes
   */
  constructor(store, session, offline) {
    this.#store = store;
    this.#session = session;
    this.#offline = offline;
  }

  /**
   * Send a change, and return the node's answer.
   *
   * @param {Change} change
   * @returns {Promise<unknown>}
   * @throws {Queued} it waits on this device
   * @throws {ApiError} the node refused it
   */
  async send(change) {
    const key = newKey();
    if (this.#isAway()) return this.#keep(change, key, false);
    try {
      const headers = { ...headersOf(change.household), "Idempotency-Key": key };
      return await this.#session.call(...requestOf(change), "json", headers);
    } catch (error) {
      if (!isUnreached(error)) throw error;
      return this.#keep(change, key, true, error);
    }
  }

  #isAway() {
    const { waiting, connection } = this.#store.state;
    if (waiting.some(({ conflict }) => !conflict) || !navigator.onLine) return true;
    return connection.name === "waiting" && !connection.blocked && this.#store.state.asOf !== null;
  }

  /**
   * @param {Change} change
   * @param {string} key
   * @param {boolean} wasSent
   * @param {unknown} [reason] what is thrown if it can't be kept
   * @returns {Promise<{id: string, productId: string}>} a new product or lot, which has no id yet
   * @throws {Queued} any other change
   */
  async #keep(change, key, wasSent, reason) {
    const offline = await this.#offline().catch((error) => {
      throw reason ?? error;
    });
    const ids = await offline.outbox.put(change, key, wasSent);
    if (change.kind === "add") return { id: "", productId: "" };
    throw new Queued(async () => {
      for (const id of ids.reverse()) await offline.outbox.undo(id);
    });
  }
}

/** Return a new idempotency key. `crypto.randomUUID` is absent over plain HTTP from another device. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
