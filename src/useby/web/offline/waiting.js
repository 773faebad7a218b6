/**
 * A change that waits on this device, and what it means for a lot. Pure.
 *
 * @module
 */

/** @typedef {import("../changes.js").Change} Change */
/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").Lot} Lot */
/** @typedef {import("../types.js").LotAction} LotAction */
/** @typedef {import("../types.js").LotDone} LotDone */

/**
 * @typedef {object} Kept
 * @property {number} id in the order of the changes
 * @property {string} user id of the person
 * @property {string} signIn id of the sign-in in which it was made
 * @property {string} key of the node's idempotency
 * @property {number} at moment at which it was made
 * @property {number} sent moment at which it was sent, and the node may have received it; else 0
 * @property {KeptLot | null} seen the lot as the node had it when the change was made
 * @property {string} name of the product
 * @property {readonly string[]} shown ids of the lots of a product that it closes
 * @property {string} etag condition with which it was sent
 * @property {number} follows id of the change that it undoes; else 0
 * @property {{theirs: Lot | null, reason: string} | null} conflict what the node has instead, and its reason
 */

/** @typedef {Change & Kept} Waiting */

/** What must be as the person saw it, for an action still to mean the same. */
const COMPARED = /** @type {const} */ (["quantity", "state", "closedAs", "expiryDate"]);
/** @type {Partial<Record<string, Lot["closedAs"]>>} */
const CLOSES = { consume: "consumed", discard: "discarded" };

/** @param {{path: string}} change of a lot or a product */
export const actionOf = ({ path }) => /** @type {LotAction} */ (path.split("/")[2]);

/** @param {Change} change */
const isWhole = (change) => !("quantity" in change.body) && actionOf(change) !== "move";

/**
 * Return the lots that show a change while it waits, each with its action.
 *
 * @param {Waiting} change
 * @returns {[string, LotAction][]}
 */
export function lotsOf(change) {
  if (change.kind === "product") return change.shown.map((id) => [id, actionOf(change)]);
  return change.kind === "lot" && isWhole(change) ? [[change.subject, actionOf(change)]] : [];
}

/**
 * Return what a change is about: a conflict holds back the later changes of the same.
 *
 * @param {Waiting} change
 */
export const placeOf = ({ subject, id }) => subject || `change ${id}`;

/**
 * @param {Lot} seen
 * @param {Lot} current
 */
export const isSame = (seen, current) => COMPARED.every((name) => seen[name] === current[name]);

/**
 * Return true if a lot is already as a change would leave it: the other device did the same.
 *
 * @param {Waiting} change
 * @param {Lot} current
 */
export function isDone(change, current) {
  const closes = CLOSES[actionOf(change)];
  return closes !== undefined && isWhole(change) && current.closedAs === closes;
}

/**
 * Return the body of a change that is sent later: with the time at which it was made.
 *
 * @param {Change} change
 * @param {string} at
 * @param {string} day
 */
export function timed({ kind, body }, at, day) {
  if (kind === "lot" || kind === "product") return { at, ...body };
  return kind === "add" ? { receivedOn: day, ...body } : body;
}

/**
 * Return a later change after an earlier one was answered.
 *
 * @param {Waiting} later
 * @param {Waiting} earlier
 * @param {LotDone | null} answer null if the node did not have to do it
 * @returns {Waiting} the same one if it does not depend on it
 */
export function followsFrom(later, earlier, answer) {
  if (later.follows === earlier.id) {
    const movement = answer?.movements.at(-1);
    return movement ? { ...later, subject: movement.id, path: `movements/${movement.id}/undo`, follows: 0 } : later;
  }
  if (answer && later.kind === "lot" && earlier.kind === "lot" && later.seen && later.subject === earlier.subject) {
    const { movements: _, part: __, ...lot } = answer;
    return { ...later, seen: { ...later.seen, ...lot } };
  }
  return later;
}
