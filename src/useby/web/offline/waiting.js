/**
 * A change that waits on this device, and what it means for a lot. Pure.
 *
 * @module
 */

import { daysLeft } from "../dates.js";
import { unreadIds, withRead, withSnoozed } from "../state/inbox.js";
import { withEdited, withLot, withoutProduct } from "../state/lots.js";

/** @typedef {import("../changes.js").Change} Change */
/** @typedef {import("../state.js").State} State */
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
 * @property {number} sent moment at which it was first sent, and the node may have received it; else 0
 * @property {KeptLot | null} seen the lot as the node had it when the change was made
 * @property {string} name of the product
 * @property {string} etag condition with which it was sent
 * @property {number} follows id of the change that it undoes; else 0
 * @property {number} [tries] number of times that the node failed to do it
 * @property {number} [retryAt] moment from which it is tried again after that
 * @property {{theirs: Lot | null, reason: string, failed?: boolean} | null} conflict what the node has instead, and its
 *   reason; or that it failed each time
 */

/** @typedef {Change & Kept} Waiting */

/** What must be as the person saw it, for an action still to mean the same. */
const COMPARED = /** @type {const} */ (["quantity", "state", "closedAs", "expiryDate"]);
/** @type {Partial<Record<string, Lot["closedAs"]>>} */
const CLOSES = { consume: "consumed", discard: "discarded" };
/** Kinds of changes of notifications, which are the person's own in every household. */
const OF_INBOX = ["read", "read-all", "snooze"];

/** @param {Pick<Change, "kind">} change */
export const isOfInbox = ({ kind }) => OF_INBOX.includes(kind);

/** @param {{path: string}} change of a lot or a product */
export const actionOf = ({ path }) => /** @type {LotAction} */ (path.split("/")[2]);

/** @param {Change} change */
const isWhole = (change) => !("quantity" in change.body) && actionOf(change) !== "move";

/**
 * Return the changes that are kept in place of one: what is done to a whole product waits for each of the lots
 * that the person saw, so that lots which come later stay.
 *
 * @param {Change} change
 * @param {readonly KeptLot[]} lots open lots of the product that the change is about
 * @returns {Change[]}
 */
export function ofLots(change, lots) {
  if (change.kind !== "product") return [change];
  return lots.map(({ id }) => ({ ...change, kind: "lot", subject: id, path: `lots/${id}/${actionOf(change)}` }));
}

/**
 * Return the lots that show an action while it waits, each with the action.
 *
 * @param {readonly Waiting[]} waiting
 * @returns {Map<string, LotAction>}
 */
export function actionsOf(waiting) {
  const undone = new Set(waiting.map(({ follows }) => follows));
  const whole = waiting.filter((change) => change.kind === "lot" && isWhole(change) && !undone.has(change.id));
  return new Map(whole.map((change) => [change.subject, actionOf(change)]));
}

/**
 * Show what waits and is no action on a lot: an undo of what the node has done, a product that is changed or
 * deleted, and notifications that are read or snoozed.
 *
 * @param {State} state
 * @param {readonly Waiting[]} waiting
 * @returns {State}
 */
export const withWaiting = (state, waiting) =>
  waiting.reduce((shown, { kind, subject, path, body, before = [] }) => {
    if (kind === "read") return withRead(shown, [subject]);
    if (kind === "read-all") return withRead(shown, unreadIds(shown, newestOf(path)));
    if (kind === "snooze") return withSnoozed(shown, subject, { read: true, snoozedUntil: String(Reflect.get(body, "until")) });
    if (kind === "edit") return withEdited(shown, subject, body);
    if (kind === "delete") return withoutProduct(shown, subject);
    if (kind !== "undo") return shown;
    const { today } = shown;
    return before.reduce((all, lot) => withLot(all, { ...lot, daysLeft: daysLeft(lot, today) }, lot.product), shown);
  }, state);

/** @param {string} path of a change that marks all notifications read, up to the one that it names */
const newestOf = (path) => Number(new URLSearchParams(path.split("?")[1]).get("upTo"));

/**
 * Return the id of the product that a refused change has shown otherwise than it is; empty if it is shown by its
 * lot.
 *
 * @param {Waiting} change
 */
export const productOf = ({ kind, subject, before = [] }) =>
  kind === "edit" || kind === "delete" ? subject : (before[0]?.productId ?? "");

/**
 * Return what a change is about, which is its product where that is known: one that is not sent holds back the later
 * changes of the same.
 *
 * @param {Waiting} change
 */
export const placeOf = ({ subject, id, seen, before = [] }) => (seen ?? before[0])?.productId ?? (subject || `change ${id}`);

/**
 * Number of times that a change is sent before the person is asked. With the pauses between them it takes four
 * minutes, in which a node is replaced by its next release; what fails for longer fails because of the change.
 */
export const TRIES = 5;
/** Milliseconds before the second try; each later pause is twice the one before, and the last one 2 minutes. */
const FIRST_PAUSE = 15_000;

/**
 * Return a change after the node failed to do it once more.
 *
 * @param {Waiting} change
 * @param {number} now
 * @returns {Waiting & {tries: number}}
 */
export function afterFailure(change, now) {
  const { tries = 0 } = change;
  return { ...change, tries: tries + 1, retryAt: now + FIRST_PAUSE * 2 ** tries };
}

/**
 * Return the milliseconds for which a change that failed is not sent.
 *
 * @param {Pick<Waiting, "retryAt">} change
 * @param {number} now
 */
export function pauseOf({ retryAt = 0 }, now) {
  const left = retryAt - now;
  return left > FIRST_PAUSE * 2 ** TRIES ? 0 : Math.max(0, left); // the device's clock may have been set back
}

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
