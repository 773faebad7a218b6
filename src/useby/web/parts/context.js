/**
 * The application, as its views reach it.
 *
 * @module
 */

import { useContext } from "../vendor/hooks.js";
import { createContext } from "../vendor/preact.js";

/**
 * @typedef {object} App
 * @property {import("../state.js").Store} store
 * @property {import("../households.js").Households} households
 * @property {import("../api.js").Api} api within the household that is shown
 * @property {import("../session.js").Session} session
 * @property {import("../stock.js").Stock} stock of that household
 * @property {import("../mailbox.js").Mailbox} mailbox
 * @property {import("../text.js").Translate} t
 * @property {string} language
 * @property {() => void} begin called after a sign-in
 * @property {(action?: string, first?: () => Promise<unknown>) => Promise<void>} signOut asks before changes that wait
 *   are lost; `action` names what was pressed, and `first` is what the node is asked before
 * @property {() => void} hold keeps the rows of a list where they are, for a second
 * @property {() => void} release shows them in their present order
 * @property {(action: () => void) => void} whenIdle calls a function once the browser has nothing to do
 * @property {(action: () => Promise<unknown>) => Promise<boolean>} attempt shows an error if the action fails
 * @property {(action: () => Promise<unknown>) => Promise<boolean>} load the same for what a view shows; without
 *   the node it shows the last known state
 * @property {() => Promise<void>} loadMe
 * @property {() => import("../offline.js").Offline | null} offline null until it is loaded
 */

/** @typedef {{app: App, state: import("../state.js").State}} Within */

/** @type {import("../vendor/preact.js").Context<Within>} */
export const AppContext = createContext(/** @type {Within} */ (/** @type {unknown} */ (null)));

/** Return the application and its present state. */
export const useApp = () => useContext(AppContext);
