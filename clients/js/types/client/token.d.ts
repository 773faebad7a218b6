/**
 * Claims of access tokens.
 *
 * @module
 */
/**
 * Return the claims of a JWT; `null` if the token is none.
 *
 * @param {string} token
 * @returns {unknown}
 */
export function claims(token: string): unknown;
/**
 * Return the remaining life in seconds of a token just received; 0 if it has no `exp`.
 *
 * @param {string} token
 */
export function life(token: string): number;
