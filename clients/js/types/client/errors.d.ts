/**
 * Errors of the client.
 *
 *     UsebyError
 *       ConnectionRejected   the server rejected the client permanently
 *       FlushInterrupted     the client was closed before all marks were durable
 *
 * @module
 */
/** Base of all errors of the client. */
export class UsebyError extends Error {
}
/** The server rejected this client permanently; reconnecting cannot help. */
export class ConnectionRejected extends UsebyError {
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
export class FlushInterrupted extends UsebyError {
}
