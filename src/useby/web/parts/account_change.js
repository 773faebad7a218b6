/** @module Changes of the account, with the reasons for which the node refuses them. */

import { ApiError } from "../api.js";
import { withFields, withMessage } from "../state.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";

/**
 * Return the function that changes the account, and the reasons of the last refusal by field. A reason
 * that belongs to no field is that of `form`.
 *
 * @param {readonly string[]} names of the form's fields
 */
export function useAccountChange(names) {
  const { app } = useApp();
  const [problems, setProblems] = useState(/** @type {Record<string, string>} */ ({}));
  const [busy, setBusy] = useState(false);

  /**
   * @param {Record<string, unknown>} fields
   * @returns {Promise<boolean>} true if they are stored
   */
  const save = async (fields) => {
    setProblems({});
    setBusy(true);
    const { zone } = app.store.state;
    try {
      const me = await app.api.changeMe(fields);
      const isMoved = me.timeZone !== app.store.state.me?.timeZone;
      app.store.update(withFields, { me });
      if (isMoved) await app.households.load(); // the person's own is mostly in the same zone
      app.store.update(withMessage, app.t("settings.saved"));
      if (app.store.state.zone !== zone) void app.attempt(() => app.stock.load()); // the days left differ
      return true;
    } catch (error) {
      const refused = error instanceof ApiError ? error.fields : [];
      const name = names.find((each) => refused.includes(each)) ?? "form";
      setProblems({ [name]: app.stock.reasonOf(error) });
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { save, busy, problems, setProblems };
}
