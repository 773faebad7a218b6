/**
 * Marks in the order in which they were queued.
 *
 * They are sent in batches, each followed by a PING. Its pong confirms the batch, because the server
 * makes a mark durable before it handles a later frame. If the connection is lost first, the marks
 * are sent again on the next one.
 */
export class Marks {
    /** Number of marks queued so far. */
    queued: number;
    /** Number of marks confirmed so far. */
    durable: number;
    /**
     * State of `mark_all_read` on this connection.
     *
     * @type {"no" | "queued" | "sent"}
     */
    all: "no" | "queued" | "sent";
    /**
     * Ids of the unconfirmed marks.
     *
     * @type {Set<string>}
     */
    ids: Set<string>;
    get pending(): boolean;
    /** @param {string} id */
    queue(id: string): void;
    /**
     * Return the frames of the next batch, now in flight; `null` while another one is, or for none.
     *
     * @param {boolean} extended
     */
    nextBatch(extended: boolean): string[] | null;
    /** Remove the batch in flight: it is durable. */
    confirm(): void;
    /** Forget the connection: no batch is in flight, and `mark_all_read` is not repeated. */
    reset(): void;
    #private;
}
