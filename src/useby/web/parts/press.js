/** @module Presses of buttons that move others, or go. */

/**
 * Return a handler that leaves out the later presses of a double click: by then, another button may be in the place of
 * the first one.
 *
 * @param {() => void} act
 * @returns {(event: {detail: number}) => void} `detail` counts the clicks; it is 0 for a key
 */
export const once = (act) => ({ detail }) => {
  if (detail < 2) act();
};

/** Milliseconds within which a second press of a key is of the same hurry as the first. */
const HURRY = 400;

/** Presses of the keys that act, in a list that gives the focus to another button once the pressed one is gone. */
export class KeyPresses {
  #at = -Infinity;
  #hasMoved = false;

  /** Note that the last press has moved the focus. */
  moved() {
    this.#hasMoved = true;
  }

  /**
   * Return true if a press counts: a key that is held down or pressed twice acts once, and not on the button that gets
   * the focus, too.
   *
   * @param {{repeat: boolean, timeStamp: number}} event
   */
  counts({ repeat, timeStamp }) {
    if (repeat || (this.#hasMoved && timeStamp - this.#at < HURRY)) return false;
    this.#at = timeStamp;
    this.#hasMoved = false;
    return true;
  }
}
