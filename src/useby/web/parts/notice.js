/** @module The age of what is shown, the changes that wait, and a new release of the page. */

import { dayIn, momentOf } from "../dates.js";
import { html } from "../html.js";
import { actionOf } from "../offline/waiting.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { Conflicts } from "./conflicts.js";
import { useApp } from "./context.js";

/** @typedef {import("../offline/waiting.js").Waiting} Waiting */

/** Milliseconds for which the connection may be lost before the age is shown. */
const PATIENCE = 2_000;

/** Show what is not as usual; nothing while the page is live and all is sent. */
export function Notice() {
  const { app, state } = useApp();
  const { t, language } = app;
  const { asOf, waiting, hasRelease, zone, connection } = state;
  const isOld = useLasting(asOf !== null && !connection.blocked);
  const conflicts = waiting.filter(({ conflict }) => conflict);
  const others = waiting.filter(({ conflict }) => !conflict);
  const age = isOld && asOf !== null ? t("offline.as-of", { when: momentOf(asOf, dayIn(Date.now(), zone), language, zone) }) : "";
  return html`
    <div class="notice" role="status" aria-label=${t("offline.name")}>
      ${age && html`<p class="notice__age">${age}</p>`}
      ${others.length > 0 && html`<${Waits} changes=${others} />`}
      ${hasRelease &&
      html`<p class="row row--spread"><span>${t("offline.release")}</span><button type="button" class="button" onClick=${() => app.offline()?.replaceRelease()}>${t("offline.reload")}</button></p>`}
    </div>
    ${conflicts.length > 0 && html`<${Conflicts} changes=${conflicts} />`}
  `;
}

/**
 * Return true once a condition has lasted for a while; a line that is lost for a moment moves nothing.
 *
 * @param {boolean} is
 */
function useLasting(is) {
  const [has, setHas] = useState(false);
  useEffect(() => {
    if (!is) return setHas(false);
    const timer = setTimeout(() => setHas(true), PATIENCE);
    return () => clearTimeout(timer);
  }, [is]);
  return has && is;
}

/** @param {{changes: readonly Waiting[]}} props */
function Waits({ changes }) {
  const { t } = useApp().app;
  return html`
    <details class="notice__waits">
      <summary>${t("offline.waiting", { n: changes.length })}</summary>
      <ul role="list">
        ${changes.map((change) => html`<li key=${change.id}><bdi>${wordsFor(t, change)}</bdi></li>`)}
      </ul>
    </details>
  `;
}

/**
 * Write what a person has changed.
 *
 * @param {import("../text.js").Translate} t
 * @param {Waiting} change
 */
export function wordsFor(t, change) {
  const { kind, body, name } = change;
  if (kind === "add" && !change.subject) return t("offline.add", { name });
  if (kind === "add") return t("offline.add-lot", { name });
  if (kind === "undo") return name ? t("offline.undo", { name }) : t("offline.undo-other");
  if (kind === "read") return t("inbox.mark");
  if (kind === "snooze") return t("inbox.snooze");
  const { quantity, location: place = "" } = /** @type {{quantity?: string, location?: string}} */ (body);
  const done = t(`done.${actionOf(change)}`, { name, place });
  return quantity ? `${done} (${quantity})` : done;
}
