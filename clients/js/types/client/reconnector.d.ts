/** States of the client, and the connection of the current one. */
export class Reconnector {
    /**
     * @param {URL} url
     * @param {Settings} settings
     * @param {Host} host
     */
    constructor(url: URL, settings: Settings, host: Host);
    state: import("./events.js").State;
    /**
     * Connection that is being opened or is open.
     *
     * @type {Connection | null}
     */
    connection: Connection | null;
    /** True if no further attempt is made. */
    closing: boolean;
    /**
     * Permanent rejection that closed the client.
     *
     * @type {ConnectionRejected | null}
     */
    rejection: ConnectionRejected | null;
    /** Timers of the current state. */
    timers: Timers;
    /** Connect, if that was not done before. */
    start(): void;
    /** Close the connection without a next attempt, until `connect` is called. */
    pause(): void;
    /**
     * Close for good.
     *
     * @param {ConnectionRejected} [rejection]
     */
    end(rejection?: ConnectionRejected): void;
    /**
     * Connect at once.
     *
     * @param {string} [fresh] a token that was fetched already
     */
    connect(fresh?: string): Promise<void>;
    #private;
}
export type Frame = import("./connection.js").Frame;
export type State = import("./events.js").State;
export type Settings = import("./options.js").Settings;
/**
 * callbacks of the client
 */
export type Host = {
    /**
     * returns the id of the newest notification received
     */
    since: () => string;
    /**
     * handles a new state; `connected`
     * comes with the first frame
     */
    entered: (state: State, greeting?: Frame) => void;
    receive: (frame: Frame) => void;
    /**
     * handles the end of a connection or of a wait
     */
    left: () => void;
};
import { Connection } from "./connection.js";
import { ConnectionRejected } from "./errors.js";
import { Timers } from "./timing.js";
