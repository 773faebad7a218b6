/** @module The places of what is being loaded, as the page's HTML shows them before. */

import { html } from "../html.js";
import { useApp } from "./context.js";

/** @param {{withOverview?: boolean}} props */
export function Skeleton({ withOverview = false }) {
  const { t } = useApp().app;
  return html`
    <p class="unseen">${t("due.loading")}</p>
    <div class="skeleton" aria-hidden="true">
      ${withOverview && html`<i class="skeleton__overview" />`}${[1, 2, 3, 4, 5, 6].map(() => html`<i />`)}
    </div>
  `;
}
