/** @typedef {import("./connection.js").Socket} Socket */
/** @typedef {import("./cursor.js").Cursor} Cursor */
/** @typedef {import("./timing.js").Timing} Timing */
/**
 * @typedef {object} Options
 * @property {string | (() => string | Promise<string>)} token an access token or a ticket, or a
 *   function that returns a fresh one. If it throws an error with `status` 401 or 403, the client
 *   closes. It waits for the error's `retryAfter` (seconds) or the header of a thrown `Response`
 * @property {Cursor} [cursor] storage of the position; in memory by default
 * @property {number} [buffer] maximum number of notifications that wait for the application
 * @property {boolean} [extended] `false` for a server without the extended session
 * @property {Partial<Timing>} [timing]
 * @property {() => number} [random] returns a number from 0 to 1
 * @property {AbortSignal} [signal] closes as `close()` does, but without waiting
 * @property {new (url: string, protocols: string[]) => Socket} [WebSocket] a class like the
 *   browser's, if the platform has none
 */
/**
 * @typedef {Required<Omit<Options, "signal" | "timing">> & {signal?: AbortSignal, timing: Timing}}
 *   Settings options with their defaults
 */
/**
 * Return the options with their defaults.
 *
 * @param {Options} options
 * @returns {Settings}
 * @throws {TypeError} an option has the wrong type
 */
export function settingsOf(options: Options): Settings;
/**
 * Return the URL of the socket.
 *
 * @param {string | URL} url URL of the node
 * @throws {TypeError} it does not name a node
 */
export function socketUrl(url: string | URL): URL;
export type Socket = import("./connection.js").Socket;
export type Cursor = import("./cursor.js").Cursor;
export type Timing = import("./timing.js").Timing;
export type Options = {
    /**
     * an access token or a ticket, or a
     * function that returns a fresh one. If it throws an error with `status` 401 or 403, the client
     * closes. It waits for the error's `retryAfter` (seconds) or the header of a thrown `Response`
     */
    token: string | (() => string | Promise<string>);
    /**
     * storage of the position; in memory by default
     */
    cursor?: Cursor;
    /**
     * maximum number of notifications that wait for the application
     */
    buffer?: number;
    /**
     * `false` for a server without the extended session
     */
    extended?: boolean;
    timing?: Partial<Timing>;
    /**
     * returns a number from 0 to 1
     */
    random?: () => number;
    /**
     * closes as `close()` does, but without waiting
     */
    signal?: AbortSignal;
    /**
     * a class like the
     * browser's, if the platform has none
     */
    WebSocket?: new (url: string, protocols: string[]) => Socket;
};
/**
 * options with their defaults
 */
export type Settings = Required<Omit<Options, "signal" | "timing">> & {
    signal?: AbortSignal;
    timing: Timing;
};
