/**
 * The texts about households, which are loaded when a person shares one or opens its settings.
 *
 * @module
 */

import { translator } from "../text.js";
import de from "../text/household_de.js";
import en from "../text/household_en.js";

/** @typedef {import("../text.js").WithoutForm<keyof typeof en>} Key */
/** @typedef {(key: Key, values?: import("../text.js").Values) => string} Words */

/**
 * Return the function that writes these texts in a language.
 *
 * @param {string} language
 * @returns {Words}
 */
export const wordsIn = (language) => translator(language, { de, en });

/**
 * Return the name of a household, of which a person may have set none.
 *
 * @param {Words} words
 * @param {{name: string}} household
 */
export const nameOf = (words, { name }) => name || words("unnamed");
