/**
 * Requests that fetch the same thing run one at a time.
 *
 * @module
 */

/** Calls during a request cause one more after it, not one each. */
export class Turns {
  /** @type {Map<unknown, {again: boolean, done: Promise<void>}>} */
  #running = new Map();

  /**
   * Run a request, or once more after the running one. The promise is settled after that.
   *
   * @param {unknown} key names the request
   * @param {() => Promise<unknown>} request
   * @returns {Promise<void>}
   */
  run(key, request) {
    const running = this.#running.get(key);
    if (running) {
      running.again = true;
      return running.done;
    }
    const turn = { again: true, done: Promise.resolve() };
    this.#running.set(key, turn);
    turn.done = this.#repeat(key, turn, request);
    return turn.done;
  }

  /**
   * Wait until a request is not running.
   *
   * @param {unknown} key
   */
  async idle(key) {
    await this.#running.get(key)?.done.catch(() => {}); // who has begun it gets the error
  }

  /**
   * @param {unknown} key
   * @param {{again: boolean}} turn
   * @param {() => Promise<unknown>} request
   */
  async #repeat(key, turn, request) {
    try {
      while (turn.again) {
        turn.again = false;
        await request();
      }
    } finally {
      this.#running.delete(key); // at once: a call after the last look at `again` is another turn
    }
  }
}
