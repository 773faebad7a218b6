/**
 * Values that the application receives: notifications, states and other events.
 *
 * @module
 */

/** @typedef {import("./connection.js").Frame} Frame */

/**
 * One of the alerts that a summary takes together.
 *
 * @typedef {object} SummaryItem
 * @property {string} productId
 * @property {string | null} lotId
 * @property {string} message
 * @property {"info" | "warning" | "error"} severity
 */

/**
 * @typedef {object} Notification
 * @property {string} id unique, never reused
 * @property {string} message
 * @property {"info" | "warning" | "error"} type
 * @property {string} productName `""` if no product is concerned
 * @property {Date} createdAt
 * @property {number | null} seq number among the user's notifications; this and the
 *   following are `null` on a plain session
 * @property {string | null} event `expiring`, `expired`, `added`, …
 * @property {string | null} productId
 * @property {string | null} expiresOn `YYYY-MM-DD`
 * @property {number | null} daysLeft
 * @property {Date | null} readAt
 * @property {string | null} householdId of the household that it is about
 * @property {readonly SummaryItem[] | null} items the most urgent alerts of a summary, at most 50
 * @property {() => Promise<void>} markRead queue the mark that it was read; see `flush()`
 */

/**
 * @typedef {object} State
 * @property {"idle" | "connecting" | "connected" | "waiting" | "closed"} name
 * @property {number | null} code close code or HTTP status that led to this state
 * @property {string} reason
 * @property {number | null} wait seconds until the next attempt; `null` if no time is set
 * @property {boolean} extended true if the server granted the extended session
 */

/**
 * @typedef {object} Read
 * @property {string[]} ids ids read on any device; empty if the server sent only the count
 * @property {number} unread number of unread notifications now
 */

/**
 * A lot, as REST returns it.
 *
 * @typedef {object} Lot
 * @property {string} id
 * @property {string} productId
 * @property {string} quantity a decimal
 * @property {string | null} printedDate the date on the package; `null` means never
 * @property {string | null} expiryDate the date that counts now: a day, or a time with its offset
 * @property {string | null} dateSource `printed`, `shelfLife`, `opened`, `frozen`, `thawed`, `typed`
 * @property {"use_by" | "best_before"} dateKind
 * @property {string} receivedOn `YYYY-MM-DD`
 * @property {string} lotNumber
 * @property {string} serial
 * @property {string} location
 * @property {string | null} price of one unit, a decimal
 * @property {"sealed" | "opened" | "frozen" | "thawed"} state
 * @property {string} stateSince
 * @property {string} status
 * @property {number | null} daysLeft
 * @property {string | null} closedAs
 * @property {string | null} closedAt
 */

/**
 * A product as REST returns it with `include=lots`; `/api/docs` of a node shows the other fields.
 * A deleted product has only its `id`.
 *
 * @typedef {{id: string, lotCount?: number, lots?: Lot[], [field: string]: unknown}} Product
 */

/**
 * @typedef {object} ProductChanged
 * @property {string} change `added`, `updated` or `closed`
 * @property {Product} product `lots` has the first 50 in the order in which they are taken
 * @property {string} [householdId] of the household whose product it is; older nodes send none
 */

/**
 * @typedef {object} Events
 * @property {CustomEvent<Notification>} notification
 * @property {CustomEvent<State>} state
 * @property {CustomEvent<Read>} read
 * @property {CustomEvent<ProductChanged>} product
 */

/**
 * @template {keyof Events} Kind
 * @typedef {((event: Events[Kind]) => void) | {handleEvent(event: Events[Kind]): void} | null} Listener
 */

/**
 * @typedef {{
 *   addEventListener<Kind extends keyof Events>(
 *     kind: Kind, listener: Listener<Kind>, options?: boolean | AddEventListenerOptions): void,
 *   removeEventListener<Kind extends keyof Events>(
 *     kind: Kind, listener: Listener<Kind>, options?: boolean | EventListenerOptions): void,
 *   dispatchEvent(event: Event): boolean,
 * }} Target an `EventTarget` with typed events
 */

/**
 * @param {State["name"]} name
 * @param {Partial<Omit<State, "name">>} [more]
 * @returns {State}
 */
export const stateOf = (name, more) =>
  Object.freeze({ code: null, reason: "", wait: null, extended: false, ...more, name });

/**
 * Return the notification of a frame.
 *
 * @param {Frame & {id: string}} frame
 * @param {() => Promise<void>} markRead
 * @returns {Notification}
 */
export function notificationOf({ created_at: createdAt, readAt, ...fields }, markRead) {
  return Object.freeze({
    productName: "",
    seq: null,
    event: null,
    productId: null,
    expiresOn: null,
    daysLeft: null,
    householdId: null,
    items: null,
    .../** @type {Pick<Notification, "id" | "message" | "type">} */ (/** @type {unknown} */ (fields)),
    createdAt: timeOf(createdAt),
    readAt: readAt ? timeOf(readAt) : null,
    markRead,
  });
}

/**
 * Parse a time of the server; without a zone it is UTC.
 *
 * @param {string} text
 */
function timeOf(text) {
  return new Date(/T[^Z+-]*$/.test(text) ? `${text}Z` : text);
}
