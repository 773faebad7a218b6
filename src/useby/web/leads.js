/**
 * Times before a date, as a person types them: `7, 1` are days, `24 h` hours, `15 %` part of the time.
 *
 * @module
 */

const UNITS = /** @type {const} */ ({ "": "d", d: "d", t: "d", h: "h", s: "h", "%": "%" }); // day, Tag, hour, Stunde

/**
 * Write leads as a person types them: `7d` is `7`, `24h` is `24 h`.
 *
 * @param {readonly string[]} leads
 */
export const typedLeads = (leads) =>
  leads.map((lead) => (lead.endsWith("d") ? lead.slice(0, -1) : `${lead.slice(0, -1)} ${lead.slice(-1)}`)).join(", ");

/**
 * Return the leads that a person has typed; undefined if something else is among them.
 *
 * @param {string} text
 * @returns {string[] | undefined}
 */
export function leadsOf(text) {
  const leads = [];
  for (const part of text.split(/[,;]/)) {
    if (!part.trim()) continue;
    const [, number, unit = ""] = /^\s*(\d{1,6})\s*(%|[a-zäöü]*)\.?\s*$/i.exec(part) ?? [];
    const letter = /** @type {keyof typeof UNITS} */ (unit.slice(0, 1).toLowerCase());
    if (!number || !(letter in UNITS)) return undefined;
    leads.push(`${number}${UNITS[letter]}`);
  }
  return leads;
}
