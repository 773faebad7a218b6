/** The server won't have this client, and coming back can't help. */
export class Refused extends Error {
    /**
     * @param {number | null} code of the close, or the HTTP status of the token's refusal
     * @param {string} reason
     */
    constructor(code: number | null, reason: string);
    /** @type {number | null} */
    code: number | null;
    /** @type {string} */
    reason: string;
}
/** It has ended before every mark was known to be durable. */
export class Unsettled extends Error {
}
/** Keeps the place as long as the page or the program lasts. */
export class MemoryCursor {
    load(): string;
    /** @param {string} text */
    save(text: string): void;
    #private;
}
/** Keeps the place in the browser: one key for each user, and each page that runs by itself. */
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
 * Iterate over it, or listen to its `notification` events. The first of either opens it.
 *
 * @implements {AsyncIterable<Notification>}
 */
export class Notifications extends Notifications_base implements AsyncIterable<Notification> {
    /**
     * Opens nothing yet.
     *
     * @param {string | URL} url the node, `http(s)://` or `ws(s)://`
     * @param {Options} options
     * @throws {TypeError} the URL is no node's, or an option is of the wrong kind
     */
    constructor(url: string | URL, options: Options);
    /** How the connection is. */
    get state(): State;
    /**
     * Note that these were read. The server has it in a moment, or after the next reconnect; see
     * `settled()`. One that is marked counts as handled.
     *
     * @param {...string} ids
     */
    markRead(...ids: string[]): Promise<void>;
    /** Note that all that came were read and, in an extended session, all others the user has. */
    markAllRead(): Promise<void>;
    /**
     * Returns when every mark noted so far is durable.
     *
     * @throws {Unsettled} it has ended before
     */
    settled(): Promise<void>;
    /** End it: bring the marks home if it is connected, close, and leave nothing behind. */
    close(): Promise<void>;
    /**
     * Every notification, until `close()`. Breaking off closes, unless somebody listens.
     *
     * @returns {AsyncGenerator<Notification, void, undefined>}
     * @throws {Refused} the server won't have us
     */
    [Symbol.asyncIterator](): AsyncGenerator<Notification, void, undefined>;
    #private;
}
export type Notification = {
    /**
     * never used again
     */
    id: string;
    message: string;
    type: "info" | "warning" | "error";
    /**
     * `""` where no product is meant
     */
    productName: string;
    createdAt: Date;
    /**
     * this and what follows: in an extended session, else `null`
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
     * notes that it was read; the server has it in a moment
     */
    markRead: () => Promise<void>;
};
export type State = {
    name: "idle" | "connecting" | "connected" | "waiting" | "closed";
    /**
     * of the server's close or HTTP answer, if that is why
     */
    code: number | null;
    reason: string;
    /**
     * seconds until the next attempt; `null` where no time is set
     */
    wait: number | null;
    /**
     * whether the extended session was granted
     */
    extended: boolean;
};
/**
 * what was read, on any device; and the count
 */
export type Read = {
    ids: string[];
    unread: number;
};
/**
 * as REST shows the product
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
 * an `EventTarget` that knows its events
 */
export type Target = {
    addEventListener<Kind extends keyof Events>(kind: Kind, listener: Listener<Kind>, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<Kind extends keyof Events>(kind: Kind, listener: Listener<Kind>, options?: boolean | EventListenerOptions): void;
    dispatchEvent(event: Event): boolean;
};
/**
 * keeps one text; `""` is none
 */
export type Cursor = {
    load(): string;
    save(text: string): void;
};
/**
 * all in seconds
 */
export type Timing = {
    /**
     * the first wait is at most this; each next one twice the one before
     */
    base: number;
    /**
     * but no longer than this
     */
    cap: number;
    /**
     * a connection that stood so long resets that
     */
    stable: number;
    /**
     * between PINGs
     */
    ping: number;
    /**
     * until the answer is due
     */
    pong: number;
    /**
     * a fresh token is fetched so long before the old one ends
     */
    refresh: number;
    /**
     * until a token, and then a connection's first frame, is due
     */
    open: number;
    /**
     * how long `close()` waits, for marks and for the server's answer
     */
    close: number;
};
export type Options = {
    /**
     * an access token or a ticket, or what
     * fetches a fresh one. An error with `status` 401 or 403 is the end; `retryAfter` (seconds), or
     * the header of a `Response` that is thrown, is waited for
     */
    token: string | (() => string | Promise<string>);
    /**
     * where the place is kept
     */
    cursor?: Cursor;
    /**
     * notifications that may wait for the application
     */
    buffer?: number;
    /**
     * `false` for a server that knows the plain contract only
     */
    extended?: boolean;
    timing?: Partial<Timing>;
    /**
     * from 0 to 1
     */
    random?: () => number;
    /**
     * ends it as `close()` does, but without waiting
     */
    signal?: AbortSignal;
    /**
     * a class like the
     * browser's, where the platform has none
     */
    WebSocket?: new (url: string, protocols: string[]) => Socket;
};
/**
 * what is used of a WebSocket
 */
export type Socket = Pick<WebSocket, "send" | "close" | "protocol" | "onmessage" | "onclose" | "onerror"> & {
    terminate?: () => void;
};
/**
 * what a server may say; which of it is there is not known yet
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
 * one connection
 */
export type Line = {
    socket: Socket;
    /**
     * what it was opened with, or was given since
     */
    token: string;
    /**
     * when its first frame came
     */
    since: number;
    /**
     * frames that wait for their turn
     */
    out: string[];
    /**
     * until when the rate is used up by what has left
     */
    spent: number;
    pings: number;
    pongs: number;
    /**
     * marks that are under way
     */
    lot: string[] | null;
    /**
     * the pong by which they are durable
     */
    settles: number;
    /**
     * the pong before which a fresh token is to have been taken, or else 0
     */
    fails: number;
    /**
     * whether all are to be marked: no, yes, under way
     */
    all: 0 | 1 | 2;
};
export {};
