/**
 * Shows the application in the document.
 *
 * It is a script of its own, after `app.js`: that one asks the node for the lots while the browser still
 * fetches the views.
 *
 * @module
 */

import { app } from "./app.js";
import { html } from "./html.js";
import { render } from "./vendor/preact.js";
import { Page } from "./views/page.js";

const root = document.getElementById("page");
if (!root) throw new TypeError("page");
root.replaceChildren();
render(html`<${Page} app=${app} />`, root);
