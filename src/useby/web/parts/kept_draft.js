/**
 * What was typed in `Add` and not saved, while another view is shown and after the page is loaded again. It stays
 * within the tab, and goes with the sign-out.
 *
 * @module
 */

import { NEW } from "../draft.js";

/** @typedef {import("../draft.js").Draft} Draft */
/** @typedef {{session: {id: string}, households: {id: string}}} Owner the sign-in, and the household that is shown */

const KEPT = "useby.draft";

/** @param {Owner} owner */
const nameOf = ({ session, households }) => `${session.id} ${households.id}`;

/**
 * Return the draft that is kept for a household; null if there is none.
 *
 * @param {Owner} owner
 * @returns {Draft | null}
 */
export function keptDraft(owner) {
  const { of, draft } = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  return of === nameOf(owner) ? draft : null;
}

/**
 * Keep a draft, unless it is empty.
 *
 * @param {Owner} owner
 * @param {Draft} draft
 */
export function keepDraft(owner, draft) {
  if (JSON.stringify(draft) === JSON.stringify(NEW)) forgetDraft();
  else sessionStorage.setItem(KEPT, JSON.stringify({ of: nameOf(owner), draft }));
}

export const forgetDraft = () => sessionStorage.removeItem(KEPT);
