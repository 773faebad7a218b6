/**
 * Texts in the person's language, with values filled in.
 *
 * @module
 */

import de from "./text/de.js";
import en from "./text/en.js";

/**
 * @template {string} Full
 * @typedef {Full extends `${infer Key}.one` ? Key : Full} WithoutForm
 */
/** @typedef {WithoutForm<keyof typeof en>} Key a key, without the form of a number */
/** @typedef {(key: Key, values?: Values) => string} Translate */
/** @typedef {Record<string, string | number>} Values filled in where a text has their names in braces */
/** @typedef {Readonly<Record<string, Readonly<Record<string, string>>>>} Languages texts by key, by language */

/** @type {Languages} */
const LANGUAGES = { de, en };
/** Letters of scripts that are written from right to left, and marks that change the direction. */
const OTHER_DIRECTION = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]/;

const KEPT = "useby.language";

/** Languages of notifications, each with its own name. The page itself has texts in `LANGUAGES`. */
export const MESSAGE_LANGUAGES = /** @type {const} */ ([
  ["ar", "العربية"],
  ["de", "Deutsch"],
  ["en", "English"],
  ["es", "español"],
  ["fr", "français"],
  ["ja", "日本語"],
  ["pl", "polski"],
]);

/** Return the language of the account as this browser knows it; an empty text for that of the browser itself. */
export const keptLanguage = () => localStorage.getItem(KEPT) ?? "";

/** @param {string} language */
export const keepLanguage = (language) => localStorage.setItem(KEPT, language);

/**
 * Return the language of the page: the first of the browser's that there are texts for.
 *
 * @param {readonly string[]} wanted
 */
export function languageOf(wanted) {
  for (const each of wanted) {
    const language = each.slice(0, 2).toLowerCase();
    if (language in LANGUAGES) return language;
  }
  return "en";
}

/**
 * Keep the language of the account in this browser, which needs it before the account is loaded.
 *
 * @param {string | null | undefined} own language of the account, if it is set
 * @param {string} shown language of the page
 * @returns {boolean} true if the page has to be written again, in another language
 */
export function followAccount(own, shown) {
  if (!own || own === keptLanguage()) return false;
  keepLanguage(own);
  return keptLanguage() === own && languageOf([own, ...navigator.languages]) !== shown;
}

/**
 * Isolate a name with another writing direction, so that it does not reorder the text around it.
 *
 * @param {string} name
 */
export const isolate = (name) => (OTHER_DIRECTION.test(name) ? `\u2068${name}\u2069` : name);

/**
 * Return the function that writes texts in a language. `key.one` and `key.other` are forms of a text
 * that depend on its value `n`.
 *
 * @param {string} language
 * @param {Languages} [languages]
 * @returns {(key: string, values?: Values) => string}
 */
export function translator(language, languages = LANGUAGES) {
  const texts = languages[language] ?? languages.en ?? {};
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language);
  return (key, values = {}) => {
    const form = typeof values.n === "number" ? `${key}.${plural.select(values.n)}` : key;
    const text = texts[form] ?? texts[`${key}.other`] ?? texts[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? number.format(value) : isolate(value);
    });
  };
}
