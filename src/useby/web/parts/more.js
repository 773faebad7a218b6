/** @module The dialog `More` of a view with lots. */

import { html } from "../html.js";
import { useEffect, useMemo, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { lazy } from "./lazy.js";

/** @typedef {import("../types.js").KeptLot} KeptLot */

/** The dialog itself, which the first load does not contain. */
export const MoreDialog = lazy(async () => (await import("./more_dialog.js")).MoreDialog, null);

/** Return the function that opens the dialog, and the dialog while it is open. */
export function useMore() {
  const [lot, setLot] = useState(/** @type {KeptLot | null} */ (null));
  const places = useNames("locations", lot !== null);
  const open = useMemo(() => (/** @type {KeptLot} */ each) => setLot(each), []);
  const close = useMemo(() => () => setLot(null), []);
  return { open, dialog: lot && html`<${MoreDialog} key=${lot.id} lot=${lot} places=${places} onClose=${close} />` };
}

/**
 * Load the names of locations or categories, as suggestions.
 *
 * @param {"locations" | "categories"} which
 * @param {boolean} [wanted]
 */
export function useNames(which, wanted = true) {
  const { app } = useApp();
  const [names, setNames] = useState(/** @type {readonly string[]} */ ([]));
  useEffect(() => {
    if (!wanted) return;
    app.api[which]().then(
      ({ items }) => setNames(items.map(({ name }) => name)),
      () => {}, // a person can type them
    );
  }, [wanted]);
  return names;
}
