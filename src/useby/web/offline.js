/**
 * The page without the node: the last known state of each household, the changes that wait, and the
 * page's own files.
 *
 * It is loaded after the first paint of a person who is signed in.
 *
 * @module
 */

import { Database } from "./offline/database.js";
import { Outbox } from "./offline/outbox.js";
import { Release } from "./offline/release.js";
import { restored, snapshotOf } from "./offline/snapshot.js";
import { Notice } from "./parts/notice.js";
import { Push } from "./push.js";
import { withFields } from "./state.js";

/**
 * Milliseconds without a change after which the state is kept, and the maximum after the first change: while a person
 * scrolls a long list, copying it takes longer than a frame.
 */
const PAUSE = 500;
const LATEST = 5_000;

/** Milliseconds without an answer after which the last known state is shown. */
const SLOW = 3_000;

export class Offline {
  #app;
  #database = new Database();
  #release;
  /** @type {number | undefined} */
  #keeping;
  #changedAt = 0; // moment of the first change that is not kept; 0 if there is none
  #isReached = false;
  /** @type {import("./types.js").Counts | null} */
  #counts = null;
  #unread = 0;
  /** @type {readonly import("./types.js").Household[]} */
  #households = [];

  /** @param {import("./parts/context.js").App} app */
  constructor(app) {
    this.#app = app;
    this.outbox = new Outbox(app, this.#database);
    this.push = new Push(app);
    this.#release = new Release(app.store);
    app.store.subscribe(() => this.#onChange());
    addEventListener("online", () => this.#send());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#keep();
    });
  }

  /** Begin for the person who has signed in. */
  async begin() {
    this.#app.store.update(withFields, { notice: Notice });
    void this.#release.begin().catch(() => {}); // private windows of some browsers have none
    void this.push.begin().catch(() => {});
    setTimeout(() => {
      const { signedIn, due } = this.#app.store.state;
      if (signedIn && !due.counts) void this.restore().catch(() => {});
    }, SLOW);
    await this.outbox.show();
    this.#onChange();
    this.#send();
  }

  /** Show the last known state of this sign-in, until the node answers. */
  async restore() {
    const { households, store, session } = this.#app;
    const { id } = households;
    const snapshot = (await this.#database.snapshot(id)) ?? (await this.#database.snapshot(""));
    if (!snapshot || id !== households.id || store.state.due.counts) return;
    if (snapshot.signIn !== session.id) return this.forget();
    const { me } = snapshot.state;
    const isOther = (snapshot.state.household?.id ?? me?.id) !== (id || me?.id);
    if (isOther) store.update(withFields, { me, households: snapshot.state.households ?? [] }); // another one can be chosen
    else {
      this.#counts = snapshot.state.due.counts; // these are not the node's answer
      store.update(restored, snapshot, Date.now());
    }
    await households.offerChoice();
    await this.outbox.show();
  }

  /** Forget the last known state, and show no more: the node has ended the sign-in. What waits stays for its person. */
  async forget() {
    clearTimeout(this.#keeping);
    void this.push.forget().catch(() => {});
    await this.#database.forgetSnapshot();
  }

  replaceRelease = () => this.#release.replace();

  #send() {
    void this.outbox.flush().catch(() => {});
  }

  #onChange() {
    const { store } = this.#app;
    const { signedIn, connection, due, asOf, unread, households } = store.state;
    if (!signedIn) return;
    if (households !== this.#households && asOf === null) {
      this.#households = households;
      if (households.length) void this.#database.forgetOthers(households.map(({ id }) => id)).catch(() => {});
    }
    if (unread < this.#unread) void this.push.closeRead().catch(() => {});
    this.#unread = unread;
    const isLive = connection.name === "connected";
    if (due.counts !== this.#counts) {
      this.#counts = due.counts; // the node has answered
      if (asOf !== null) return store.update(withFields, { asOf: null });
    } else if (connection.name === "waiting" && !connection.blocked && due.counts && asOf === null) {
      return store.update(withFields, { asOf: Date.now() });
    }
    const isReached = isLive || connection.blocked;
    if (isReached && !this.#isReached) {
      this.#send();
      void this.#release.check();
      if (!store.state.me) void this.#app.loadMe();
    }
    this.#isReached = isReached;
    if (asOf === null && due.counts) this.#keepSoon();
  }

  #keepSoon() {
    const now = performance.now();
    this.#changedAt ||= now;
    clearTimeout(this.#keeping);
    this.#keeping = setTimeout(() => this.#keep(), Math.min(PAUSE, this.#changedAt + LATEST - now));
  }

  #keep() {
    clearTimeout(this.#keeping);
    this.#changedAt = 0;
    const { store, session, households } = this.#app;
    const { state } = store;
    if (!state.signedIn || !session.id || state.asOf !== null || !state.due.counts || !state.me) return;
    void this.#database.keep(households.id, snapshotOf(state, session.id, Date.now())).catch(() => {}); // no room
  }
}
