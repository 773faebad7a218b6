/** A connection that is being opened or is open. */
export class Connection {
    /**
     * Open a connection.
     *
     * @param {URL} url
     * @param {string} token current token of the connection
     * @param {Settings} settings
     * @param {Timers} timers
     * @param {Handlers} handlers
     */
    constructor(url: URL, token: string, settings: Settings, timers: Timers, handlers: Handlers);
    /** Time of the first frame. */
    since: number;
    /** @type {string} */
    token: string;
    get extended(): boolean;
    /** Close the socket; the server's answer is awaited. */
    close(): void;
    /**
     * Drop the connection.
     *
     * @param {number} [code] close code; without one it is aborted, if the platform can do so
     */
    leave(code?: number): void;
    /**
     * Send frames as the rate limit allows, and a PING behind them. The server handles frames in
     * order, so its pong shows that the frames were handled.
     *
     * @param {string[]} frames
     * @param {() => void} onPong
     */
    send(frames: string[], onPong: () => void): void;
    ping(): void;
    schedulePing(): void;
    /**
     * Renew the token of an extended session.
     *
     * @param {string} token
     */
    authenticate(token: string): void;
    #private;
}
export type Timers = import("./timing.js").Timers;
export type Settings = import("./options.js").Settings;
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
    product: import("./events.js").Product;
    householdId?: string;
};
/**
 * callbacks of a connection; none is called after `leave`
 */
export type Handlers = {
    /**
     * handles a frame that is for the client
     */
    receive: (frame: Frame) => void;
    closed: (code: number, reason: string) => void;
    /**
     * handles a PING without its pong in time
     */
    unanswered: () => void;
    /**
     * handles a fresh token that the server did not answer
     */
    ignored: () => void;
};
