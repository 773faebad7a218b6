/**
 * Why an alert was sent, in words. Pure.
 *
 * @module
 */

import { translator } from "./text.js";
import de from "./text/why_de.js";
import en from "./text/why_en.js";

/** @typedef {import("./types.js").AlertReason} AlertReason */
/** @typedef {import("./text.js").WithoutForm<keyof typeof en>} Key */
/** @typedef {(key: Key, values?: import("./text.js").Values) => string} Words */

/**
 * Return the function that writes these texts in a language.
 *
 * @param {string} language
 * @returns {Words}
 */
export const translatorOf = (language) => translator(language, { de, en });

/**
 * Write when an alert was due, and because of which rule: "7 days before the date, because of your rule
 * for the category Dairy".
 *
 * @param {Words} words
 * @param {AlertReason} reason
 */
export function whyText(words, { lead, because: { scope, key } }) {
  const rule = scope === "dateKind" ? key : scope;
  const because = words(/** @type {Key} */ (`because.${rule}`), { key: key ?? "" });
  return `${leadText(words, lead)}, ${because}.`;
}

/**
 * @param {Words} words
 * @param {string} lead as the policy has it, or `expiry`, or `repeat`
 */
function leadText(words, lead) {
  if (lead === "expiry" || lead === "repeat") return words(lead);
  const n = Number(lead.slice(0, -1));
  if (lead.endsWith("h")) return words("hours", { n });
  if (lead.endsWith("%")) return words("share", { n });
  return n ? words("days", { n }) : words("days.zero");
}

/**
 * Return the reasons that differ, each with the names of its products.
 *
 * @param {readonly AlertReason[]} reasons
 * @returns {{reason: AlertReason, names: string[]}[]}
 */
export function grouped(reasons) {
  /** @type {Map<string, {reason: AlertReason, names: string[]}>} */
  const groups = new Map();
  for (const reason of reasons) {
    const { lead, because, productName } = reason;
    const key = JSON.stringify([lead, because.scope, because.key]);
    const group = groups.get(key) ?? { reason, names: [] };
    group.names.push(productName);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/**
 * Return what a policy is about that changes the reason; that of the account replaces the built-in one.
 *
 * @param {AlertReason} reason
 * @returns {import("./types.js").PolicySubject}
 */
export function subjectOf({ productName, because: { scope, key } }) {
  if (scope === "builtin" || scope === "account") return { scope: "account", key: null };
  return scope === "product" ? { scope, key, name: productName } : { scope, key };
}
