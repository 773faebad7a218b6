/**
 * The texts of what is offline, which are loaded with it.
 *
 * @module
 */

import { translator } from "../text.js";
import de from "../text/offline/de.js";
import en from "../text/offline/en.js";

/** @typedef {import("../text.js").WithoutForm<keyof typeof en>} Key */
/** @typedef {(key: Key, values?: import("../text.js").Values) => string} Words */

/** @type {Map<string, Words>} */
const kept = new Map();

/**
 * Return the function that writes these texts in a language.
 *
 * @param {string} language
 * @returns {Words}
 */
export function wordsIn(language) {
  const found = kept.get(language) ?? translator(language, { de, en });
  kept.set(language, found);
  return found;
}
