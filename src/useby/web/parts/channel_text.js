/**
 * The texts about channels, which are loaded with the settings.
 *
 * @module
 */

import { translator } from "../text.js";
import de from "../text/channels_de.js";
import en from "../text/channels_en.js";

/** @typedef {import("../text.js").WithoutForm<keyof typeof en>} Key */
/** @typedef {(key: Key, values?: import("../text.js").Values) => string} Words */

/**
 * Return the function that writes these texts in a language.
 *
 * @param {string} language
 * @returns {Words}
 */
export const wordsIn = (language) => translator(language, { de, en });
