/** @module Views and dialogs that are loaded when they are first shown. */

import { html } from "../html.js";
import { useEffect, useLayoutEffect, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";

/**
 * Return a view whose module is loaded when the view is first shown, or before it by its `fetch`.
 *
 * @param {() => Promise<unknown>} load imports the module and returns its view
 * @param {unknown} [before] what is shown until then, in place of a heading
 */
export function lazy(load, before) {
  /** @type {unknown} */
  let loaded = null;
  const fetch = async () => {
    loaded = await load();
  };
  return Object.assign(Lazy, { fetch });

  /** @param {object} props those of the view */
  function Lazy(props) {
    const { app } = useApp();
    const [view, setView] = useState({ type: loaded, hasFocus: false });
    useEffect(() => {
      if (view.type) return;
      void app.attempt(async () => {
        if (!loaded) await fetch(); // the module may have come since the view was rendered
        setView({ type: loaded, hasFocus: document.activeElement?.tagName === "H1" });
      });
    }, []);
    // The heading that had the focus was replaced by that of the view.
    useLayoutEffect(() => {
      if (view.hasFocus) document.querySelector("h1")?.focus({ preventScroll: true });
    }, [view]);
    if (!view.type && before !== undefined) return before;
    return view.type ? html`<${view.type} ...${props} />` : html`<h1 tabindex="-1">${app.t("due.loading")}</h1>`;
  }
}
