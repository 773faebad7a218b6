/**
 * Buffer between the connection and the application.
 *
 * When it is full, the next notification and all later ones are dropped; a later one that was kept
 * would hide the gap. The server sends them again when asked for those after `newest`.
 */
export class Inbox {
    /** @param {number} size maximum number of notifications */
    constructor(size: number);
    /** Id of the newest notification received; `""` if there is none. */
    newest: string;
    /** Newest `seq` when a connection was last opened without `since`. */
    replayBaseline: number;
    /** True if notifications were dropped since the connection was opened. */
    dropped: boolean;
    get length(): number;
    get halfEmpty(): boolean;
    /** Ids received and not marked. */
    get unmarked(): string[];
    /** @param {string} id */
    setMarked(id: string): void;
    /** @param {number} seq `seq` of a connection's first frame */
    opened(seq: number): void;
    /**
     * Add a notification that was not received before, or drop it if the buffer is full.
     *
     * @param {Frame} frame
     * @param {(id: string) => Promise<void>} markRead
     */
    put(frame: Frame, markRead: (id: string) => Promise<void>): void;
    /** Remove and return the oldest notification. */
    take(): Notification;
    #private;
}
export type Frame = import("./connection.js").Frame;
export type Notification = import("./events.js").Notification;
