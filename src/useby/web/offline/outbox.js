/**
 * Changes that wait on this device until the node is reached, and are then sent in their order.
 *
 * Before a change of a lot is sent, the lot is compared with what the person saw; `If-Match` covers
 * the moment between. What differs, or is refused, is a conflict: the person sees both versions and
 * chooses. What the node fails to do is tried again with longer and longer pauses, and is a conflict, too, after the
 * last try. Later changes of the same product wait for the answer or the choice, others do not.
 *
 * @module
 */

import { ApiError, headersOf } from "../api.js";
import { isAnswered, isTimeout, isUnreached, newKey, requestOf } from "../changes.js";
import { dayIn, isoDay } from "../dates.js";
import { withFields, withMessage } from "../state.js";
import { openLots, withLot, withoutPending, withPending } from "../state/lots.js";
import { Turns } from "../turns.js";
import { wordsIn } from "./text.js";
import { actionsOf, followsFrom, isDone, isOfInbox, isSame, ofLots, placeOf, productOf, timed, withWaiting } from "./waiting.js";
import { afterFailure, pauseOf, TRIES } from "./waiting.js";

/** @typedef {import("../changes.js").Change} Change */
/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").Lot} Lot */
/** @typedef {import("../types.js").LotAction} LotAction */
/** @typedef {import("../types.js").LotDone} LotDone */
/** @typedef {import("../types.js").Movement} Movement */
/** @typedef {import("../types.js").Product} Product */
/** @typedef {import("./waiting.js").Waiting} Waiting */

const LOCK = "useby.outbox";
/** Milliseconds for which a node surely knows a key; it keeps keys for a day. */
const KEY_LIFE = 23 * 3_600_000;
/** Milliseconds after which the node is asked again if it had no time for a change. */
const LATER = 15_000;
/** Least milliseconds after which what waits is sent again. */
const SOON = 1_000;
/** Refusals that are about the sign-in or the moment: the change waits. */
const NOT_NOW = [401, 408, 425, 429];

/** @typedef {{seen: readonly KeptLot[], movements: readonly Movement[]}} Sent the lots before, and what was done */
/** @type {Sent} */
const NOTHING_SENT = { seen: [], movements: [] };

export class Outbox {
  #app;
  #database;
  #turns = new Turns();
  #tabs = new BroadcastChannel(LOCK);
  /** @type {Set<string>} */
  #overlaid = new Set(); // ids of lots that are shown with a waiting action
  /** @type {Map<number, Sent>} */
  #sent = new Map(); // what this tab has sent, by the id of its change
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("../parts/context.js").App} app
   * @param {import("./database.js").Database} database
   */
  constructor(app, database) {
    this.#app = app;
    this.#database = database;
    this.#tabs.addEventListener("message", () => void this.show().catch(() => {}));
  }

  /**
   * Keep a change, and send it as soon as the node is reached.
   *
   * @param {Change} change
   * @param {string} key
   * @param {boolean} wasSent the node may have received it
   * @returns {Promise<number[]>} ids of the changes that wait for it
   */
  async put(change, key, wasSent) {
    const { state } = this.#app.store;
    const product = state.products.get(change.subject);
    /** @type {number[]} */
    const ids = [];
    for (const each of ofLots(change, product ? openLots(state, product) : [])) {
      // What the node has done to a whole product shows on its lots, which are compared before more is done.
      ids.push(await this.#database.put(each === change ? this.#kept(change, key, wasSent) : this.#kept(each, newKey(), false)));
    }
    await this.#announce();
    void this.flush().catch(() => {});
    return ids;
  }

  /**
   * Return a change as it is kept.
   *
   * @param {Change} change
   * @param {string} key
   * @param {boolean} wasSent
   * @returns {Omit<Waiting, "id">}
   */
  #kept(change, key, wasSent) {
    const { store, session } = this.#app;
    const { me, lots, products, now, zone } = store.state;
    const lot = lots.get(change.subject) ?? null;
    const product = lot?.product ?? products.get(change.subject);
    const name = product?.name ?? change.name ?? String(Reflect.get(change.body, "name") ?? "");
    const at = Date.now();
    // What was sent is repeated byte for byte; what was not states when it happened.
    const body = wasSent ? change.body : timed(change, new Date(at).toISOString(), isoDay(dayIn(Math.max(now, at), zone)));
    const kept = { user: me?.id ?? "", signIn: session.id, key, at, sent: wasSent ? at : 0, name, etag: "", follows: 0, conflict: null };
    return { ...change, ...kept, seen: change.kind === "lot" ? lot : null, body };
  }

  /** Send what waits, in its order, unless another tab does. */
  flush() {
    return this.#turns.run("flush", async () => {
      if (!navigator.onLine || !this.#app.store.state.signedIn) return;
      const count = await this.#inTurn(() => this.#sendAll());
      if (!count) return;
      const { store, language, stock, mailbox } = this.#app;
      // The message of the last action stays, because it has the button that undoes it.
      if (!store.state.message?.undoable) store.update(withMessage, wordsIn(language)("sent", { n: count }));
      await Promise.all([stock.loadShown(), mailbox.count()]);
    });
  }

  async #sendAll() {
    const held = new Set();
    let count = 0;
    try {
      for (const { id } of await this.#mine()) {
        const change = await this.#database.change(id); // one before it may have changed it
        if (!change) continue;
        const place = placeOf(change);
        if (held.has(place)) continue;
        if (change.conflict || pauseOf(change, Date.now()) || !(await this.#attempt(change))) held.add(place);
        else count += 1;
      }
      const failed = (await this.#mine()).filter(({ conflict, retryAt }) => !conflict && retryAt);
      if (failed.length) this.#later(Math.min(...failed.map((each) => pauseOf(each, Date.now()))));
    } catch (error) {
      if (!isUnreached(error) && !(error instanceof ApiError)) throw error;
      const wait = error instanceof ApiError && error.retryAfter ? error.retryAfter * 1000 : LATER;
      if (error instanceof ApiError || isTimeout(error)) this.#later(wait);
    } finally {
      await this.#announce();
    }
    return count;
  }

  /**
   * Send what waits again after a while. There is one timer, so that the attempts of several calls do not add up.
   *
   * @param {number} wait milliseconds
   */
  #later(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush().catch(() => {}), Math.max(SOON, wait));
  }

  /**
   * Send one change, or keep it for another try if the node fails to do it.
   *
   * @param {Waiting} change
   * @returns {Promise<boolean>} false if it is not done
   */
  async #attempt(change) {
    try {
      return await this.#send(change);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status < 500 || isUnreached(error)) throw error;
      const sent = (await this.#database.change(change.id)) ?? change; // with its key: the node may have done it
      const next = afterFailure(sent, Date.now());
      if (next.tries < TRIES) {
        await this.#database.put(next);
        return false;
      }
      const reason = wordsIn(this.#app.language)("conflict.failed", { tries: TRIES, status: error.status });
      return this.#ask({ ...sent, tries: 0, retryAt: 0, conflict: { theirs: null, reason, failed: true } });
    }
  }

  /**
   * Send one change.
   *
   * @param {Waiting} change
   * @returns {Promise<boolean>} false if it is a conflict
   */
  async #send(change) {
    const { session, language } = this.#app;
    let { etag, sent } = change;
    if (change.follows) return this.#settle(change, null); // what it undoes was not done
    const isForgotten = Date.now() - sent > KEY_LIFE; // also if it was not sent yet
    // Nothing shows whether the node has added it: a person looks.
    if (change.kind === "add" && sent && isForgotten) return this.#refuse(change, null, wordsIn(language)("conflict.added"));
    if (change.kind === "lot" && isForgotten) {
      const current = await this.#current(change);
      if (current && isDone(change, current.lot)) return this.#settle(change, null);
      if (!current || (change.seen && !isSame(change.seen, current.lot))) return this.#refuse(change, current?.lot ?? null, "");
      ({ etag } = current);
      sent = 0; // the node has not done it
    }
    // The node keeps the key from the first attempt on, of which only the answer may be lost.
    await this.#database.put({ ...change, etag, sent: sent || Date.now() });
    const headers = { ...headersOf(change.household), "Idempotency-Key": change.key, ...(etag && { "If-Match": etag }) };
    try {
      return this.#settle(change, await session.call(...requestOf(change), "json", headers));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status >= 500 || NOT_NOW.includes(error.status)) throw error;
      return this.#onRefused(change, error);
    }
  }

  /**
   * @param {Waiting} change
   * @param {ApiError} error
   */
  async #onRefused(change, error) {
    const isGone = change.kind === "delete" && error.status === 404;
    if (isGone || isOfInbox(change)) return this.#settle(change, null);
    const { at, ...body } = /** @type {{at?: string}} */ (change.body);
    if (at && error.fields.includes("at")) {
      const later = { ...change, body, key: newKey() }; // this device's clock is not the node's
      return this.#send(later);
    }
    const lot = change.kind === "lot" ? ((await this.#current(change))?.lot ?? null) : null;
    if (lot && isDone(change, lot)) return this.#settle(change, null);
    return this.#refuse(change, lot, error.message);
  }

  /** @param {Pick<Waiting, "subject" | "household">} change of a lot */
  async #current({ subject: id, household }) {
    try {
      const answer = await this.#app.session.call("GET", `lots/${id}`, undefined, "tagged", headersOf(household));
      const { etag, value } = /** @type {{etag: string, value: Lot}} */ (answer);
      return { etag, lot: value };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /**
   * Take in the answer to a change; later changes of the same lot were made after it.
   *
   * @param {Waiting} change
   * @param {unknown} answer
   */
  async #settle(change, answer) {
    const done = /** @type {(LotDone & Product) | null} */ (answer);
    await this.#database.remove(change.id);
    this.#sent.set(change.id, { seen: change.seen ? [change.seen] : [], movements: done?.movements ?? [] });
    for (const later of await this.#mine()) {
      const next = followsFrom(later, change, done);
      if (next !== later) await this.#database.put(next);
    }
    if (done && change.kind === "lot" && change.seen && this.#isShown(change)) this.#app.store.update(withLot, done, change.seen.product);
    return true;
  }

  /**
   * @param {Waiting} change
   * @param {Lot | null} theirs
   * @param {string} reason
   */
  #refuse = (change, theirs, reason) => this.#ask({ ...change, sent: 0, etag: "", conflict: { theirs, reason } });

  /**
   * Ask the person what becomes of a change; until then the product is shown as the node has it.
   *
   * @param {Waiting} change in conflict
   */
  async #ask(change) {
    await this.#database.put(change);
    if (!this.#isShown(change)) return false;
    const { seen, conflict } = change;
    if (conflict?.theirs && seen) this.#app.store.update(withLot, conflict.theirs, seen.product);
    void this.#app.stock.changed(productOf(change)).catch(() => {});
    return false;
  }

  // Choices

  /**
   * Take a change back: one that was not sent is dropped, another one is undone.
   *
   * @param {number} id
   */
  async undo(id) {
    await this.#inTurn(async () => {
      const change = await this.#database.change(id);
      if (change && !change.sent) return this.#database.remove(id);
      if (!change) return;
      const { id: _, ...like } = change;
      const undo = { ...like, kind: /** @type {const} */ ("undo"), path: "", body: {}, key: newKey(), sent: 0, follows: id };
      return this.#database.put(undo);
    });
    const { seen, movements } = this.#sent.get(id) ?? NOTHING_SENT;
    for (const movement of [...movements].reverse()) await isAnswered(this.#app.stock.actions.undoMovement(movement.id, seen));
    await this.#announce();
  }

  /**
   * Drop a change in conflict: the lot stays as the node has it.
   *
   * @param {number} id
   */
  async keepTheirs(id) {
    await this.#inTurn(() => this.#database.remove(id));
    await this.#announce();
    await this.flush();
    await this.#app.stock.loadShown();
  }

  /**
   * Apply a change in conflict to what the node has now; what has closed the lot is undone first. One that the node
   * failed to do is sent again as it was.
   *
   * @param {number} id
   */
  async applyMine(id) {
    await this.#inTurn(async () => {
      const change = await this.#database.change(id);
      if (!change?.conflict) return;
      const { theirs, failed } = change.conflict;
      if (failed) return void (await this.#database.put({ ...change, conflict: null }));
      const lot = theirs?.closedAs ? await this.#reopened(theirs, change.household) : theirs;
      const seen = lot && change.seen ? { ...change.seen, ...lot } : change.seen;
      await this.#database.put({ ...change, seen, key: newKey(), sent: 0, conflict: null });
    });
    await this.#announce();
    await this.flush();
  }

  /**
   * @param {Lot} lot that was closed by another device
   * @param {string | undefined} household
   */
  async #reopened({ id, productId }, household) {
    const { households, session } = this.#app;
    const { items } = await households.apiOf(household ?? "").movements(productId, null);
    const closing = items.find((each) => each.lotId === id && !each.undoes && ["consumed", "discarded"].includes(each.kind));
    if (closing) await session.call("POST", `movements/${closing.id}/undo`, {}, "json", { ...headersOf(household), "Idempotency-Key": newKey() });
    return (await this.#current({ subject: id, household }))?.lot ?? null;
  }

  // Showing

  /** Show what waits, also on the lots that it changes. */
  async show() {
    const { store } = this.#app;
    const waiting = await this.#mine();
    const shown = waiting.filter((change) => !change.conflict && this.#isShown(change));
    const actions = actionsOf(shown);
    const gone = [...this.#overlaid].filter((id) => !actions.has(id));
    this.#overlaid = new Set(actions.keys());
    if (!store.state.signedIn) return;
    store.update(withFields, { waiting });
    if (gone.length) store.update(withoutPending, gone, false);
    for (const [id, action] of actions) store.update(withPending, [id], action);
    store.update(withWaiting, shown);
  }

  /** @param {Waiting} change */
  #isShown = (change) => isOfInbox(change) || (change.household ?? "") === this.#app.households.id;

  async #announce() {
    this.#tabs.postMessage(null);
    await this.show();
  }

  /** Return the changes of this person. Those of another one are dropped. */
  async #mine() {
    const { session, store } = this.#app;
    const { me } = store.state;
    const all = await this.#database.changes();
    const mine = all.filter(({ signIn, user }) => signIn === session.id || user === me?.id);
    if (me) for (const each of all) if (!mine.includes(each)) await this.#database.remove(each.id);
    return mine;
  }

  /**
   * Run what reads and writes the changes while no other tab does.
   *
   * @template Result
   * @param {() => Promise<Result>} work
   * @returns {Promise<Result>}
   */
  async #inTurn(work) {
    const { locks } = navigator;
    return locks ? /** @type {Promise<Result>} */ (locks.request(LOCK, work)) : work();
  }
}
