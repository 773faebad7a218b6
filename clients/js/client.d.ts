/** The server rejected this client permanently; reconnecting cannot help. */
export class Refused extends Error {
    /**
     * @param {number | null} code close code, or HTTP status of the failed token request
     * @param {string} reason
     */
    constructor(code: number | null, reason: string);
    /** @type {number | null} */
    code: number | null;
    /** @type {string} */
    reason: string;
}
/** The client was closed before every mark was confirmed as durable. */
export class Unsettled extends Error {
}
/** Cursor in memory; it is gone when the page or the program ends. */
export class MemoryCursor {
    load(): string;
    /** @param {string} text */
    save(text: string): void;
    #private;
}
/** Cursor in the browser's storage. Use one key for each user and each page that runs alone. */
export class StorageCursor {
    /**
     * @param {string} key
     * @param {Pick<Storage, "getItem" | "setItem">} storage
     */
    constructor(key: string, storage?: Pick<Storage, "getItem" | "setItem">);
    load(): string;
    /** @param {string} text */
    save(text: string): void;
    #private;
}
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
    get state(): State;
    /**
     * Acknowledge notifications. The marks are queued when this returns and sent until they are
     * durable; see `settled()`. A marked notification counts as handled.
     *
     * @param {...string} ids
     */
    markRead(...ids: string[]): Promise<void>;
    /** Acknowledge all received notifications and, on an extended session, all others too. */
    markAllRead(): Promise<void>;
    /**
     * Wait until every mark queued so far is durable.
     *
     * @throws {Unsettled} the client was closed before that
     */
    settled(): Promise<void>;
    /** Flush the marks if connected, then close for good. */
    close(): Promise<void>;
    /**
     * Yield notifications until `close()`. Leaving the loop closes the client, unless it has a
     * `notification` listener.
     *
     * @returns {AsyncGenerator<Notification, void, undefined>}
     * @throws {Refused} the server rejected the client permanently
     */
    [Symbol.asyncIterator](): AsyncGenerator<Notification, void, undefined>;
    #private;
}
export type Notification = {
    /**
     * unique, never reused
     */
    id: string;
    message: string;
    type: "info" | "warning" | "error";
    /**
     * `""` if no product is concerned
     */
    productName: string;
    createdAt: Date;
    /**
     * number among the user's notifications; this and the
     * following are `null` on a plain session
     */
    seq: number | null;
    /**
     * `expiring`, `expired`, `added`, …
     */
    event: string | null;
    productId: string | null;
    /**
     * `YYYY-MM-DD`
     */
    expiresOn: string | null;
    daysLeft: number | null;
    readAt: Date | null;
    /**
     * queue the mark that it was read; see `settled()`
     */
    markRead: () => Promise<void>;
};
export type State = {
    name: "idle" | "connecting" | "connected" | "waiting" | "closed";
    /**
     * close code or HTTP status that led to this state
     */
    code: number | null;
    reason: string;
    /**
     * seconds until the next attempt; `null` if no time is set
     */
    wait: number | null;
    /**
     * true if the server granted the extended session
     */
    extended: boolean;
};
/**
 * ids read on any device, and the unread count
 */
export type Read = {
    ids: string[];
    unread: number;
};
/**
 * the product as REST returns it
 */
export type ProductChanged = {
    change: string;
    product: object;
};
export type Events = {
    notification: CustomEvent<Notification>;
    state: CustomEvent<State>;
    read: CustomEvent<Read>;
    product: CustomEvent<ProductChanged>;
};
export type Listener<Kind extends keyof Events> = ((event: Events[Kind]) => void) | {
    handleEvent(event: Events[Kind]): void;
} | null;
/**
 * an `EventTarget` with typed events
 */
export type Target = {
    addEventListener<Kind extends keyof Events>(kind: Kind, listener: Listener<Kind>, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<Kind extends keyof Events>(kind: Kind, listener: Listener<Kind>, options?: boolean | EventListenerOptions): void;
    dispatchEvent(event: Event): boolean;
};
/**
 * stores one text; `""` if empty
 */
export type Cursor = {
    load(): string;
    save(text: string): void;
};
/**
 * durations in seconds
 */
export type Timing = {
    /**
     * maximum of the first backoff; it doubles with each failed attempt
     */
    base: number;
    /**
     * maximum of any backoff
     */
    cap: number;
    /**
     * a connection that lasted this long resets the backoff
     */
    stable: number;
    /**
     * interval between PINGs
     */
    ping: number;
    /**
     * timeout of a pong
     */
    pong: number;
    /**
     * a fresh token is fetched at most this long before the old one expires
     */
    refresh: number;
    /**
     * timeout of the token function, and of a connection's first frame
     */
    open: number;
    /**
     * timeout of `close()`, for marks and again for the server's answer
     */
    close: number;
};
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
 * the members of a WebSocket that are used
 */
export type Socket = Pick<WebSocket, "send" | "close" | "protocol" | "onmessage" | "onclose" | "onerror"> & {
    terminate?: () => void;
};
/**
 * a frame of the server before it is checked; any property may be missing
 */
export type Frame = {
    type: unknown;
    id: unknown;
    created_at: string;
    readAt: string | null;
    seq: number;
    ids: unknown;
    unread: number;
    action: unknown;
    change: string;
    product: object;
};
/**
 * a connection
 */
export type Line = {
    socket: Socket;
    /**
     * current token of the connection
     */
    token: string;
    /**
     * time of its first frame
     */
    since: number;
    /**
     * frames to send, held back by the rate limit
     */
    out: string[];
    /**
     * time until which the sent frames use up the rate
     */
    spent: number;
    /**
     * number of PINGs queued
     */
    pings: number;
    /**
     * number of pongs received
     */
    pongs: number;
    /**
     * batch of marks in flight
     */
    lot: string[] | null;
    /**
     * number of the pong that confirms the batch
     */
    settles: number;
    /**
     * number of the pong before which the fresh token must be accepted, or 0
     */
    fails: number;
    /**
     * state of `mark_all_read`: 0 none, 1 queued, 2 in flight
     */
    all: 0 | 1 | 2;
};
export {};
