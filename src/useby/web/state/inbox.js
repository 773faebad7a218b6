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
 * @property {boolean} canSnooze the node has the route
 */

/** @type {Inbox} */
export const NO_INBOX = { filter: "all", items: new Map(), ids: [], cursor: null, loaded: false, canSnooze: false };

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
 * Add a page of the inbox; the first page replaces what the filter showed.
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
  const before = first ? [] : state.inbox.ids;
  const ids = sorted(new Set([...before, ...arrived.map(({ id }) => id)]), items);
  const canSnooze = state.inbox.canSnooze || arrived.some((each) => each.snoozedUntil !== undefined);
  return { ...state, inbox: { filter, items, ids, cursor, loaded: true, canSnooze } };
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
 * Choose what the inbox shows; its first page has to be loaded.
 *
 * @param {State} state
 * @param {Filter} filter
 * @returns {State}
 */
export const withFilter = (state, filter) => ({
  ...state,
  inbox: { ...state.inbox, filter, ids: [], cursor: null, loaded: false },
});

/**
 * @param {State} state
 * @returns {string[]} ids of the loaded notifications that are unread
 */
export const unreadIds = ({ inbox }) => [...inbox.items.values()].filter(({ read }) => !read).map(({ id }) => id);

/**
 * @param {Set<string>} ids
 * @param {ReadonlyMap<string, Notification>} items
 */
const sorted = (ids, items) => [...ids].sort((left, right) => (items.get(right)?.seq ?? 0) - (items.get(left)?.seq ?? 0));
