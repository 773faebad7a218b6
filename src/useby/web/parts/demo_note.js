/** @module A line that marks the page of a demo. */

import { request } from "../api.js";
import { html } from "../html.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";

/** Show that the node is a demo, if it is one. */
export function DemoNote() {
  const { t } = useApp().app;
  const [isDemo, setDemo] = useState(false);
  useEffect(() => {
    request("GET", "config").then(
      (config) => setDemo(/** @type {{demo: boolean}} */ (config).demo),
      () => {}, // the node cannot be reached
    );
  }, []);
  return isDemo ? html`<p class="demo">${t("demo.note")}</p>` : null;
}
