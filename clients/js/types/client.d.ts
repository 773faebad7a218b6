declare const Notifications_base: new () => Target;
/**
 * Client of one node. Iterate over it, or listen to `notification` events; either one connects.
 *
 * @implements {AsyncIterable<Notification>}
 */
export class Notifications extends Notifications_base implements AsyncIterable<Notification> {
    /**
     * Create the client; no connection is opened yet.
     *
     * @param {string | URL} url URL of the node, `http(s)://` or `ws(s)://`
     * @param {Options} options
     * @throws {TypeError} the URL does not name a node, or an option has the wrong type
     */
    constructor(url: string | URL, options: Options);
    /** Current state of the connection. */
    get state(): import("./client/events.js").State;
    /**
     * Acknowledge notifications. The marks are queued when this returns and sent until they are
     * durable; see `flush()`. A marked notification counts as handled.
     *
     * @param {...string} ids
     */
    markRead(...ids: string[]): Promise<void>;
    /** Acknowledge all received notifications and, on an extended session, all others too. */
    markAllRead(): Promise<void>;
    /**
     * Wait until every mark queued so far is durable.
     *
     * @throws {FlushInterrupted} the client was closed before that
     */
    flush(): Promise<void>;
    /** Flush the marks if connected, then close for good. */
    close(): Promise<void>;
    /**
     * Yield notifications until `close()`. Leaving the loop closes the client, unless it has a
     * `notification` listener.
     *
     * @returns {AsyncGenerator<Notification, void, undefined>}
     * @throws {ConnectionRejected} the server rejected the client permanently
     */
    [Symbol.asyncIterator](): AsyncGenerator<Notification, void, undefined>;
    #private;
}
export type Frame = import("./client/connection.js").Frame;
export type Socket = import("./client/connection.js").Socket;
export type Cursor = import("./client/cursor.js").Cursor;
export type Events = import("./client/events.js").Events;
export type Lot = import("./client/events.js").Lot;
export type Notification = import("./client/events.js").Notification;
export type Product = import("./client/events.js").Product;
export type ProductChanged = import("./client/events.js").ProductChanged;
export type Read = import("./client/events.js").Read;
export type State = import("./client/events.js").State;
export type Target = import("./client/events.js").Target;
export type Options = import("./client/options.js").Options;
export type Timing = import("./client/timing.js").Timing;
export type Listener<Kind extends keyof Events> = import("./client/events.js").Listener<Kind>;
export { MemoryCursor, StorageCursor } from "./client/cursor.js";
export { ConnectionRejected, FlushInterrupted, UsebyError } from "./client/errors.js";
