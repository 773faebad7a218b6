/**
 * The page's state, in one store.
 *
 * A change is a pure function from a state to the next one: `store.update(withCounts, counts)`. Views
 * read the state and never write to it.
 *
 * @module
 */

import { NO_GROUPS, withProducts } from "./state/lots.js";
import { NO_INBOX } from "./state/inbox.js";

/** @typedef {import("./types.js").Counts} Counts */
/** @typedef {import("./types.js").KeptLot} KeptLot */
/** @typedef {import("./types.js").LotAction} LotAction */
/** @typedef {import("./types.js").Me} Me */
/** @typedef {import("./types.js").Product} Product */

/**
 * @typedef {object} Message the last thing that was done, or that failed
 * @property {number} number counts messages, so that the same text is announced again
 * @property {string} text
 * @property {boolean} undoable
 * @property {boolean} failed
 */

/**
 * @typedef {object} Connection
 * @property {"idle" | "connecting" | "connected" | "waiting" | "closed"} name
 * @property {number | null} wait seconds until the next attempt
 * @property {boolean} blocked requests succeed and the socket does not open
 */

/**
 * @typedef {object} Listed products that the search has found
 * @property {Record<string, string>} filters
 * @property {readonly string[]} ids
 * @property {string | null} cursor
 * @property {boolean} loaded
 * @property {readonly string[] | undefined} [present] `ids` as a later search finds them, while the rows stay in place
 */

/**
 * @typedef {object} State
 * @property {boolean} signedIn
 * @property {import("./routes.js").Route} route
 * @property {Me | null} me
 * @property {readonly import("./types.js").Household[]} households that the person is a member of, once they are loaded
 * @property {import("./types.js").Household | null} household whose stock is shown; null for the person's own until they are loaded
 * @property {string} zone time zone in which days are counted
 * @property {number} now moment at which the days were last counted
 * @property {number} today number of the day of `now`
 * @property {Connection} connection
 * @property {import("./state/lots.js").Due} due
 * @property {ReadonlyMap<string, KeptLot>} lots
 * @property {ReadonlyMap<string, LotAction>} pending actions on lots that the node has not answered
 * @property {string | null} refused id of the lot whose action the node refused last
 * @property {ReadonlyMap<string, Product>} products with their lots
 * @property {Listed} listed
 * @property {import("./state/inbox.js").Inbox} inbox
 * @property {number} unread the node's count
 * @property {Message | null} message
 * @property {{number: number, count: number, text: string}} arrived notifications that have just come
 * @property {string} error an error that stays until the next success
 * @property {number | null} asOf moment of which the state is, in milliseconds; null while it is the node's present one
 * @property {readonly import("./offline/waiting.js").Waiting[]} waiting changes that wait on this device
 * @property {{action: string, answer: (agrees: boolean) => void} | null} leaving the person is asked whether an action may delete the changes that wait
 * @property {boolean} hasRelease a new release of the page is ready
 * @property {unknown} notice component that shows the three, once `offline.js` is loaded
 * @property {unknown} switcher component that chooses the household, once the person has several
 * @property {{file: File | null} | null} importing the file of the dialog `Import`; null while it is closed
 */

/** @type {State} */
export const INITIAL = {
  signedIn: false,
  route: { view: "due", id: "" },
  me: null,
  households: [],
  household: null,
  zone: "UTC",
  now: 0,
  today: 0,
  connection: { name: "idle", wait: null, blocked: false },
  due: NO_GROUPS,
  lots: new Map(),
  pending: new Map(),
  refused: null,
  products: new Map(),
  listed: { filters: {}, ids: [], cursor: null, loaded: false },
  inbox: NO_INBOX,
  unread: 0,
  message: null,
  arrived: { number: 0, count: 0, text: "" },
  error: "",
  asOf: null,
  waiting: [],
  leaving: null,
  hasRelease: false,
  notice: null,
  switcher: null,
  importing: null,
};

export class Store {
  #state;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {State} state */
  constructor(state) {
    this.#state = state;
  }

  get state() {
    return this.#state;
  }

  /**
   * Replace the state by `change(state, ...values)`, and call the listeners if it differs.
   *
   * @template {unknown[]} Values
   * @param {(state: State, ...values: Values) => State} change
   * @param {Values} values
   */
  update(change, ...values) {
    const next = change(this.#state, ...values);
    if (next === this.#state) return;
    this.#state = next;
    for (const listener of this.#listeners) listener();
  }

  /**
   * Call a listener after each change.
   *
   * @param {() => void} listener
   * @returns {() => void} a function that ends this
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * Forget all data of the person who signed out.
 *
 * @param {State} state
 * @returns {State}
 */
export const signedOut = ({ route, zone, now, today }) => ({ ...INITIAL, route, zone, now, today });

/**
 * @param {State} state
 * @param {Partial<State>} fields
 * @returns {State}
 */
export const withFields = (state, fields) => ({ ...state, ...fields });

/**
 * @param {State} state
 * @param {Partial<Connection>} connection
 * @returns {State}
 */
export const withConnection = (state, connection) => ({
  ...state,
  connection: { ...state.connection, ...connection },
});

/**
 * Show a message in place of the last one.
 *
 * @param {State} state
 * @param {string} text
 * @param {{undoable?: boolean, failed?: boolean}} [more]
 * @returns {State}
 */
export const withMessage = (state, text, { undoable = false, failed = false } = {}) => ({
  ...state,
  message: { number: (state.message?.number ?? 0) + 1, text, undoable, failed },
});

/**
 * Announce notifications that have come together: one by its text, several by their count.
 *
 * @param {State} state
 * @param {number} count
 * @param {string} text of the newest
 * @returns {State}
 */
export const withAnnounced = (state, count, text) => ({
  ...state,
  arrived: { number: state.arrived.number + 1, count, text },
});

/**
 * Remove a message, unless a later one is shown.
 *
 * @param {State} state
 * @param {number} number
 * @returns {State}
 */
export const withoutMessage = (state, number) =>
  state.message?.number === number ? { ...state, message: null } : state;

/**
 * Add a page of the products that a search found.
 *
 * @param {State} state
 * @param {Record<string, string>} filters the search; another one than the present is ignored
 * @param {import("./types.js").Page<Product>} page
 * @param {boolean} first
 * @returns {State}
 */
export function withListed(state, filters, { items, nextCursor }, first) {
  if (filters !== state.listed.filters) return state;
  const { ids, present } = state.listed;
  const found = items.map(({ id }) => id);
  /** @param {readonly string[]} before */
  const after = (before) => [...new Set([...(first ? [] : before), ...found])];
  const listed = { filters, ids: after(ids), cursor: nextCursor, loaded: true, present: present && after(present) };
  return { ...withProducts(state, items), listed };
}

/**
 * Replace the products that a search found by those that it finds now. While a person acts in the list, its rows stay
 * where they are, and others come after them.
 *
 * @param {State} state
 * @param {Record<string, string>} filters the search; another one than the present is ignored
 * @param {import("./types.js").Page<Product>} page
 * @returns {State}
 */
export function withFoundAgain(state, filters, page) {
  const next = withListed(state, filters, page, true);
  if (!state.due.held || next === state) return next;
  const present = next.listed.ids;
  return { ...next, listed: { ...next.listed, ids: [...new Set([...state.listed.ids, ...present])], present } };
}
