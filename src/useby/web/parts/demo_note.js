/** @module A line that marks the page of a demo. */

import { html } from "../html.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";

/** Show that the node is a demo, if it is one. */
export function DemoNote() {
  const { t, session } = useApp().app;
  const [isDemo, setDemo] = useState(false);
  useEffect(() => {
    session.offers().then(
      ({ demo }) => setDemo(demo),
      () => {}, // the node cannot be reached
    );
  }, []);
  return isDemo ? html`<p class="demo">${t("demo.note")}</p>` : null;
}
