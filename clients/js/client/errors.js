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
  name = "UsebyError";
}

/** The server rejected this client permanently; reconnecting cannot help. */
export class ConnectionRejected extends UsebyError {
  name = "ConnectionRejected";

  /**
   * @param {number | null} code close code, or HTTP status of the failed token request
   * @param {string} reason
   */
  constructor(code, reason) {
    super(`${reason} (${code})`);
    /** @type {number | null} */
    this.code = code;
    /** @type {string} */
    this.reason = reason;
  }
}

/** The client was closed before every mark was confirmed as durable. */
export class FlushInterrupted extends UsebyError {
  name = "FlushInterrupted";
}
