/**
 * The person's notifications: loads them, takes in those that arrive, and marks them read.
 *
 * @module
 */

import { isAnswered } from "./changes.js";
import { withAnnounced, withFields } from "./state.js";
import { newestSeq, unreadIds, withArrived, withFilter, withInboxPage, withRead, withSnoozed } from "./state/inbox.js";
import { Turns } from "./turns.js";

/** @typedef {import("./api.js").NotificationOut} NotificationOut */
/** @typedef {import("./client.js").Notification} Delivered */
/** @typedef {import("./state/inbox.js").Filter} Filter */
/** @typedef {import("./types.js").Notification} Notification */

/** Notifications that come within this many milliseconds are shown and announced together. */
const TOGETHER = 100;
/** Number of notifications from which more are likely to follow, as after days offline. */
const MANY = 20;
/** Milliseconds without another notification after which few, or many, are announced. */
const QUIET = { few: 200, many: 3_000 };
/** Maximum pages that are loaded to find a notification, of fifty each. */
const MOST_PAGES = 10;
const FILTERS = { all: {}, unread: { unread: "true" }, snoozed: { snoozed: "true" } };

export class Mailbox {
  #store;
  #api;
  #turns = new Turns();
  /** @type {{notification: Notification, since: number}[]} */
  #arrived = [];
  #unannounced = 0;
  /** @type {number | undefined} */
  #announcing;
  /**
   * Ids in the order in which they were read here: an answer of the node, or a frame that waits to
   * be shown, may be older than a read.
   *
   * @type {string[]}
   */
  #reads = [];

  /**
   * @param {import("./state.js").Store} store
   * @param {import("./api.js").Api} api
   */
  constructor(store, api) {
    this.#store = store;
    this.#api = api;
  }

  /** Load the first page of the inbox. */
  load() {
    return this.#turns.run("load", () => this.#page(null));
  }

  /** Load the next page. */
  async more() {
    const { cursor } = this.#store.state.inbox;
    if (cursor !== null) await this.#turns.run(`more ${cursor}`, () => this.#page(cursor));
  }

  /** @param {string | null} cursor null for the first page */
  async #page(cursor) {
    const { filter } = this.#store.state.inbox;
    const since = this.#reads.length;
    const { items, nextCursor } = await this.#api.notifications(FILTERS[filter], cursor);
    const kept = this.#keptOf(items, since);
    const shown = kept.filter(({ snoozedUntil }) => filter !== "snoozed" || snoozedUntil);
    // A node without the filter lists them all.
    const next = shown.length || !kept.length ? nextCursor : null;
    this.#store.update(withInboxPage, filter, shown, next, cursor === null);
  }

  /**
   * List a notification with all that came after it.
   *
   * @param {string} id
   * @returns {Promise<boolean>} false if it was deleted, or is older than `MOST_PAGES` pages
   */
  async find(id) {
    const { inbox } = this.#store.state;
    if (!inbox.loaded || !inbox.ids.includes(id)) await this.choose("all");
    const isListed = () => this.#store.state.inbox.ids.includes(id);
    for (let page = 1; page < MOST_PAGES && !isListed(); page += 1) await this.more();
    return isListed();
  }

  /** @param {Filter} filter */
  async choose(filter) {
    this.#store.update(withFilter, filter);
    await this.load();
  }

  /**
   * Take in a notification of the socket.
   *
   * @param {Delivered} delivered
   * @param {(batch: readonly Notification[]) => void} after called once for all that came together
   */
  arrive({ id, message, type, createdAt, readAt, seq, productId, event, householdId }, after) {
    const arrived = { id, message, type, created_at: createdAt.toISOString(), seq: seq ?? 0, productId, event, householdId };
    this.#arrived.push({ notification: { ...arrived, read: readAt !== null }, since: this.#reads.length });
    if (this.#arrived.length > 1) return;
    setTimeout(() => {
      const batch = this.#arrived.map(({ notification, since }) => this.#withReads(notification, since));
      this.#arrived = [];
      if (!this.#store.state.signedIn) return;
      this.#store.update(withArrived, batch);
      const unread = batch.filter(({ read }) => !read);
      if (unread.length) this.#announce(unread.length, unread.at(-1)?.message ?? "");
      after(batch);
    }, TOGETHER);
  }

  /**
   * Announce what has come, once no more comes: however many they are, they are one announcement.
   *
   * @param {number} count
   * @param {string} text of the newest
   */
  #announce(count, text) {
    clearTimeout(this.#announcing);
    this.#unannounced += count;
    this.#announcing = setTimeout(() => {
      const all = this.#unannounced;
      this.#unannounced = 0;
      if (this.#store.state.signedIn) this.#store.update(withAnnounced, all, text);
    }, this.#unannounced < MANY ? QUIET.few : QUIET.many);
  }

  /**
   * Take in that notifications were read on any device.
   *
   * @param {readonly string[]} ids none if the node sent only their number
   * @param {number} unread
   */
  onRead(ids, unread) {
    this.#read(ids);
    this.#store.update(withFields, { unread });
    if (!ids.length && !unread) this.#read(unreadIds(this.#store.state));
    else if (!ids.length && this.#store.state.inbox.loaded) void this.#check();
  }

  /** Fetch which of the loaded notifications are still unread. */
  #check() {
    return this.#turns.run("check", async () => {
      const since = this.#reads.length;
      const { items, nextCursor } = await this.#api.notifications({ unread: "true", limit: "500" }, null);
      const still = new Set(items.map(({ id }) => id));
      this.#store.update(withArrived, this.#keptOf(items, since));
      const gone = unreadIds(this.#store.state).filter((id) => !still.has(id));
      if (nextCursor === null) this.#store.update(withRead, gone);
    }).catch(() => {}); // the next connection checks again
  }

  /** Fetch the unread notifications and their number, where the socket does not open. */
  async poll() {
    await this.#check();
    await this.count();
  }

  /** Fetch the node's number of unread notifications. */
  count() {
    return this.#turns.run("count", async () => {
      const { unread } = await this.#api.unread();
      if (this.#store.state.signedIn) this.#store.update(withFields, { unread });
    });
  }

  /**
   * Mark a notification read; it is shown at once, and taken back if the node refuses it.
   *
   * @param {string} id
   */
  async markRead(id) {
    this.#read([id]);
    try {
      if (!(await isAnswered(this.#api.markRead(id)))) return;
    } catch (error) {
      this.#store.update(withRead, [id], false);
      throw error;
    }
    await this.count();
  }

  /** Mark all notifications read, up to the newest that the page has: one that comes later was not seen. */
  async markAllRead() {
    if (!newestSeq(this.#store.state)) await this.load();
    const ids = unreadIds(this.#store.state);
    this.#read(ids);
    try {
      if (!(await isAnswered(this.#api.markAllRead(newestSeq(this.#store.state))))) return;
    } catch (error) {
      this.#store.update(withRead, ids, false);
      throw error;
    }
    await this.count();
  }

  /**
   * Hide a notification until a later time; it is read until then. It shows at once, and is taken back if
   * the node refuses it.
   *
   * @param {string} id
   * @param {{until: string}} until
   */
  async snooze(id, { until }) {
    const before = this.#store.state.inbox.items.get(id);
    this.#read([id]);
    this.#store.update(withSnoozed, id, { read: true, snoozedUntil: until });
    try {
      if (!(await isAnswered(this.#api.snooze(id, { until })))) return;
    } catch (error) {
      if (before) this.#store.update(withSnoozed, id, before);
      throw error;
    }
    await Promise.all([this.count(), this.load()]);
  }

  /** @param {readonly string[]} ids */
  #read(ids) {
    this.#reads.push(...ids);
    this.#store.update(withRead, ids);
  }

  /**
   * @param {readonly NotificationOut[]} items an answer of the node
   * @param {number} since number of reads when it was asked for
   */
  #keptOf = (items, since) => items.map((each) => this.#withReads(keptOf(each), since));

  /**
   * Return a notification as read if it was read after the answer was asked for, or after it arrived.
   *
   * @param {Notification} notification
   * @param {number} since number of reads when it was asked for, or arrived
   */
  #withReads = (notification, since) =>
    this.#reads.includes(notification.id, since) ? { ...notification, read: true } : notification;
}

/**
 * Return a notification as the page keeps it.
 *
 * @param {NotificationOut} answer
 * @returns {Notification}
 */
function keptOf({ id, message, type, created_at, seq, productId, event, readAt, snoozedUntil, householdId = null }) {
  const read = Boolean(readAt);
  const kept = { id, message, type, created_at, seq, productId, event, read, householdId };
  return snoozedUntil === undefined ? kept : { ...kept, snoozedUntil };
}
