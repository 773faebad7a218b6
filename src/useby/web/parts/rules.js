/** @module Durations of rules, as a person types them. */

/**
 * Write a duration as a person types it: `P5D` is `5`, `PT8H` is `8 h`.
 *
 * @param {string | null} duration
 */
export function typedRule(duration) {
  const [, weeks, days, hours] = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(\d+)H)?$/.exec(duration ?? "") ?? [];
  if (hours) return `${hours} h`;
  return weeks || days ? String(Number(weeks ?? 0) * 7 + Number(days ?? 0)) : "";
}

/**
 * Return the duration that a person has typed; undefined if it is none.
 *
 * @param {string} text
 * @returns {string | null | undefined}
 */
export function ruleOf(text) {
  if (!text.trim()) return null;
  const [, number, unit = ""] = /^\s*(\d{1,5})\s*([a-zäöü]*)\.?\s*$/i.exec(text) ?? [];
  if (!number) return undefined;
  const letter = unit[0]?.toLowerCase() ?? "d";
  if (letter === "h" || letter === "s") return `PT${number}H`; // hours, Stunden
  if (letter === "d" || letter === "t") return `P${number}D`; // days, Tage
  return letter === "w" ? `P${Number(number) * 7}D` : undefined; // weeks, Wochen
}
