/**
 * The node's reasons in German, with the figures and dates that they contain. Pure.
 *
 * @module
 */

import { DEMANDS, FIELDS, REFUSALS, SENTENCES, WORDS } from "./text/reason_forms_de.js";
import whole from "./text/reasons_de.js";

/** @typedef {import("./text/reason_forms_de.js").Forms} Forms */

/** Ends of sentences; what follows an `e.g.` is an example. */
const NEXT_SENTENCE = /(?<=\.)(?<!e\.g\.) (?=[A-Z])/;
const REFUSAL = /^This change is not possible: (.+)\.$/;
const DEMAND = /^The ([a-z -]+?) ((?:must|needs|is missing).*)\.$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;
const DATE = /** @type {const} */ ({ day: "numeric", month: "numeric", year: "numeric" });
/** A figure in groups of three digits, with a point or with both. */
const FIGURE = /^\d{1,3}(,\d{3})*(\.\d+)?$|^\d+\.\d+$/;

/**
 * Return a reason in German; sentences that are not known stay as they are.
 *
 * @param {string} reason
 * @returns {string}
 */
export function inGerman(reason) {
  const sentences = reason.split(NEXT_SENTENCE);
  const german = [];
  while (sentences.length) {
    // Some texts are for several sentences.
    const ends = sentences.map((_, index) => index + 1);
    const found = ends.map((end) => /** @type {const} */ ([end, textOf(sentences.slice(0, end).join(" "))])).find(([, text]) => text);
    german.push(found?.[1] ?? sentences[0]);
    sentences.splice(0, found?.[0] ?? 1);
  }
  return german.join(" ");
}

/**
 * @param {string} text
 * @returns {string | null} null if it is not known
 */
function textOf(text) {
  const known = whole[text] ?? filled(SENTENCES, text);
  if (known) return known;
  const [, refusal = ""] = REFUSAL.exec(text) ?? [];
  if (refusal) return filled(REFUSALS, refusal);
  const [, name = "", demand = ""] = DEMAND.exec(text) ?? [];
  const german = FIELDS[name] && filled(DEMANDS, demand);
  return german ? `${FIELDS[name]} ${german}.` : null;
}

/**
 * Return the German text of the first form that a text has, with its values.
 *
 * @param {Forms} forms
 * @param {string} text
 * @returns {string | null}
 */
function filled(forms, text) {
  for (const [form, german] of Object.entries(forms)) {
    const values = new RegExp(`^${form.split("{}").map(escaped).join("(.+?)")}$`, "s").exec(text);
    if (values) return german.replace(/\{(\d)\}/g, (_, /** @type {string} */ index) => value(values[Number(index) + 1] ?? ""));
  }
  return null;
}

/** @param {string} text */
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/**
 * Write a value of the node in German: a day, a moment in the device's zone, a figure or words.
 *
 * @param {string} text
 * @returns {string}
 */
function value(text) {
  if (DAY.test(text)) return new Date(text).toLocaleDateString("de", { ...DATE, timeZone: "UTC" });
  if (MOMENT.test(text)) return new Date(text).toLocaleString("de", { ...DATE, hour: "2-digit", minute: "2-digit" });
  if (FIGURE.test(text)) return text.replace(/[.,]/g, (each) => (each === "." ? "," : "."));
  return text.replace(/[a-z]+/g, (word) => WORDS[word] ?? word);
}
