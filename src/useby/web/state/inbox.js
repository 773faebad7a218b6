/**
 * Changes of the notifications that the page has loaded.
 *
 * @module
 */

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../types.js").Notification} Notification */
/** @typedef {"all" | "unread" | "snoozed"} Filter */

/**
 * @typedef {object} Inbox
 * @property {Filter} filter
 * @property {ReadonlyMap<string, Notification>} items all that are loaded
 * @property {readonly string[]} ids those that the filter shows, newest first
 * @property {string | null} cursor
 * @property {boolean} loaded
 * @property {readonly string[] | null} held `ids` as they are shown while a person acts in the list
 */

/** @type {Inbox} */
export const NO_INBOX = { filter: "all", items: new Map(), ids: [], cursor: null, loaded: false, held: null };

/**
 * Return the ids of the notifications that are shown now.
 *
 * @param {State} state
 */
export const shownIds = ({ inbox }) => inbox.held ?? inbox.ids;

/**
 * Return the number of notifications that have come and wait to be shown.
 *
 * @param {State} state
 */
export function inboxWaiting({ inbox: { held, ids, items } }) {
  const newest = seqOf(items, held?.[0]);
  return held ? ids.filter((id) => seqOf(items, id) > newest).length : 0;
}

/**
 * Keep the notifications where they are, until `inboxReleased`.
 *
 * @param {State} state
 * @returns {State}
 */
export const inboxHeld = (state) =>
  state.inbox.held || !state.inbox.ids.length ? state : { ...state, inbox: { ...state.inbox, held: state.inbox.ids } };

/**
 * Show the notifications in their present order.
 *
 * @param {State} state
 * @returns {State}
 */
export const inboxReleased = (state) =>
  state.inbox.held ? { ...state, inbox: { ...state.inbox, held: null } } : state;

/**
 * Return true if a filter shows a notification that arrives now.
 *
 * @param {Filter} filter
 * @param {Notification} notification
 */
function shows(filter, notification) {
  if (filter === "unread") return !notification.read;
  return filter === "all" || Boolean(notification.snoozedUntil);
}

/**
 * Add a page of the inbox. The first page replaces those that are as new; older ones, which were loaded by
 * scrolling, stay. Its cursor goes through them again, because others may belong between them.
 *
 * @param {State} state
 * @param {Filter} filter the filter of the request; another one than the present is ignored
 * @param {readonly Notification[]} arrived
 * @param {string | null} cursor
 * @param {boolean} first
 * @returns {State}
 */
export function withInboxPage(state, filter, arrived, cursor, first) {
  if (filter !== state.inbox.filter) return state;
  const items = new Map(state.inbox.items);
  for (const each of arrived) items.set(each.id, each);
  const last = cursor === null ? -Infinity : Math.min(...arrived.map(({ seq }) => seq));
  const before = state.inbox.ids.filter((id) => !first || seqOf(items, id) < last);
  const ids = sorted(new Set([...before, ...arrived.map(({ id }) => id)]), items);
  // Rows that are added at the end move nothing.
  const oldest = seqOf(items, state.inbox.held?.at(-1));
  const held = state.inbox.held && [...state.inbox.held, ...ids.filter((id) => seqOf(items, id) < oldest)];
  return { ...state, inbox: { filter, items, ids, cursor, loaded: true, held } };
}

/**
 * Add notifications that the socket has sent, all at once.
 *
 * @param {State} state
 * @param {readonly Notification[]} arrived
 * @returns {State}
 */
export function withArrived(state, arrived) {
  const { inbox } = state;
  const items = new Map(inbox.items);
  const ids = new Set(inbox.ids);
  for (const each of arrived) {
    items.set(each.id, { ...items.get(each.id), ...each });
    if (shows(inbox.filter, each)) ids.add(each.id);
  }
  return { ...state, inbox: { ...inbox, items, ids: sorted(ids, items) } };
}

/**
 * Show notifications as read. They stay in the list until the filter is chosen again.
 *
 * @param {State} state
 * @param {readonly string[]} ids
 * @param {boolean} [read]
 * @returns {State}
 */
export function withRead(state, ids, read = true) {
  const items = new Map(state.inbox.items);
  for (const id of ids) {
    const each = items.get(id);
    if (each && each.read !== read) items.set(id, { ...each, read });
  }
  return { ...state, inbox: { ...state.inbox, items } };
}

/**
 * Show a notification as snoozed, or as it was before.
 *
 * @param {State} state
 * @param {string} id
 * @param {Pick<Notification, "read" | "snoozedUntil">} marks
 * @returns {State}
 */
export function withSnoozed(state, id, { read, snoozedUntil = null }) {
  const each = state.inbox.items.get(id);
  if (!each) return state;
  const items = new Map(state.inbox.items).set(id, { ...each, read, snoozedUntil });
  return { ...state, inbox: { ...state.inbox, items } };
}

/**
 * Choose what the inbox shows; its first page has to be loaded.
 *
 * @param {State} state
 * @param {Filter} filter
 * @returns {State}
 */
export const withFilter = (state, filter) => ({
  ...state,
  inbox: { ...state.inbox, filter, ids: [], cursor: null, loaded: false, held: null },
});

/**
 * Return the ids of the loaded notifications that are unread.
 *
 * @param {State} state
 * @param {number} [newest] `seq` of the newest one that counts
 */
export const unreadIds = ({ inbox }, newest = Infinity) =>
  [...inbox.items.values()].filter(({ read, seq }) => !read && seq <= newest).map(({ id }) => id);

/**
 * Return the number of the newest notification that is loaded; 0 if there is none.
 *
 * @param {State} state
 */
export const newestSeq = ({ inbox }) => [...inbox.items.values()].reduce((newest, { seq }) => Math.max(newest, seq), 0);

/**
 * @param {Set<string>} ids
 * @param {ReadonlyMap<string, Notification>} items
 */
const sorted = (ids, items) => [...ids].sort((left, right) => seqOf(items, right) - seqOf(items, left));

/**
 * @param {ReadonlyMap<string, Notification>} items
 * @param {string | undefined} id
 */
const seqOf = (items, id) => items.get(id ?? "")?.seq ?? 0;
