/**
 * Durations of the client, timers, and the calculation of waits.
 *
 * @module
 */

/**
 * @typedef {object} Timing durations in seconds
 * @property {number} backoffBase maximum of the first backoff; it doubles with each failed attempt
 * @property {number} backoffMax maximum of any backoff
 * @property {number} stableAfter a connection that lasted this long resets the backoff
 * @property {number} connectTimeout for the token function, and for a connection's first frame
 * @property {number} closeTimeout of `close()`, for marks and again for the server's answer
 * @property {number} pingInterval time between PINGs, plus a random part of up to a fifth
 * @property {number} pongTimeout time within which a pong must arrive
 * @property {number} refreshBefore a fresh token is fetched at most this long before the old one ends
 */

/** @type {Timing} */
export const TIMING = {
  backoffBase: 0.5,
  backoffMax: 30,
  stableAfter: 60,
  connectTimeout: 10,
  closeTimeout: 5,
  pingInterval: 25,
  pongTimeout: 10,
  refreshBefore: 60,
};

/** Maximum duration of a timer in milliseconds; the platform's limit is 2 ** 31. */
const LONGEST = 2e9;
const HOUR = 3600;

/** Return the seconds of a clock that is never set. */
export const now = () => performance.now() / 1000;

/** Timers that can be cleared together. */
export class Timers {
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();

  /**
   * @param {number} seconds
   * @param {() => void} action
   */
  after(seconds, action) {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        action();
      },
      Math.min(seconds * 1000, LONGEST),
    );
    this.#timers.add(timer);
  }

  clear() {
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
  }
}

/**
 * Return the seconds of the `Retry-After` of an error or a response; 0 if there is none.
 *
 * @param {unknown} error
 */
export function retryAfterOf(error) {
  /** @type {{retryAfter?: number, headers?: Headers}} */
  const { retryAfter, headers } = Object(error);
  const value = retryAfter ?? headers?.get("retry-after");
  const seconds = Number(value) >= 0 ? Number(value) : (Date.parse(`${value}`) - Date.now()) / 1000;
  return seconds > 0 ? Math.min(HOUR, seconds) : 0;
}
