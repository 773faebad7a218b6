/**
 * Return the seconds of the `Retry-After` of an error or a response; 0 if there is none.
 *
 * @param {unknown} error
 */
export function retryAfterOf(error: unknown): number;
/**
 * Durations of the client, timers, and the calculation of waits.
 *
 * @module
 */
/**
 * @typedef {object} Timing durations in seconds
 * @property {number} backoffBase maximum of the first backoff; it doubles with each failed attempt
 * @property {number} backoffMax maximum of any backoff
 * @property {number} stableAfter a connection that lasted this long resets the backoff
 * @property {number} connectTimeout for the token function, and for a connection's first frame
 * @property {number} closeTimeout of `close()`, for marks and again for the server's answer
 * @property {number} pingInterval time between PINGs, plus a random part of up to a fifth
 * @property {number} pongTimeout time within which a pong must arrive
 * @property {number} refreshBefore a fresh token is fetched at most this long before the old one ends
 */
/** @type {Timing} */
export const TIMING: Timing;
export function now(): number;
/** Timers that can be cleared together. */
export class Timers {
    /**
     * @param {number} seconds
     * @param {() => void} action
     */
    after(seconds: number, action: () => void): void;
    clear(): void;
    #private;
}
/**
 * durations in seconds
 */
export type Timing = {
    /**
     * maximum of the first backoff; it doubles with each failed attempt
     */
    backoffBase: number;
    /**
     * maximum of any backoff
     */
    backoffMax: number;
    /**
     * a connection that lasted this long resets the backoff
     */
    stableAfter: number;
    /**
     * for the token function, and for a connection's first frame
     */
    connectTimeout: number;
    /**
     * of `close()`, for marks and again for the server's answer
     */
    closeTimeout: number;
    /**
     * time between PINGs, plus a random part of up to a fifth
     */
    pingInterval: number;
    /**
     * time within which a pong must arrive
     */
    pongTimeout: number;
    /**
     * a fresh token is fetched at most this long before the old one ends
     */
    refreshBefore: number;
};
