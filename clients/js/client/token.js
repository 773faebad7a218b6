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
export function claims(token) {
  try {
    return JSON.parse(atob(`${token.split(".")[1]}`.replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return null;
  }
}

/**
 * Return the remaining life in seconds of a token just received; 0 if it has no `exp`.
 *
 * @param {string} token
 */
export function life(token) {
  /** @type {{exp: number, iat: number}} */
  const { exp, iat } = Object(claims(token));
  if (typeof exp != "number") return 0;
  const left = exp - Date.now() / 1000;
  const whole = exp - iat;
  return whole > 0 && !(left > 0 && left <= whole) ? whole : left; // `whole`: a wrong clock
}
