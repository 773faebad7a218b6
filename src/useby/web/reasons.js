/**
 * The node's reasons, which it writes in English, in the language of the page.
 *
 * @module
 */

/**
 * Return a reason in a language. One that is not known stays as it is.
 *
 * @param {string} language
 * @param {string} reason
 * @returns {Promise<string>}
 */
export async function reasonIn(language, reason) {
  if (language !== "de") return reason;
  const german = await import("./reasons_in_german.js").catch(() => null); // not reached
  return german?.inGerman(reason) ?? reason;
}
