/** @module The age of what is shown, the changes that wait, and a new release of the page. */

import { dayIn, momentOf } from "../dates.js";
import { html } from "../html.js";
import { wordsIn } from "../offline/text.js";
import { actionOf } from "../offline/waiting.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { Conflicts } from "./conflicts.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";

/** @typedef {import("../offline/waiting.js").Waiting} Waiting */

/** Milliseconds for which the connection may be lost before the age is shown. */
const PATIENCE = 2_000;

/** Show what is not as usual; nothing while the page is live and all is sent. */
export function Notice() {
  const { app, state } = useApp();
  const { language } = app;
  const words = wordsIn(language);
  const { asOf, waiting, hasRelease, zone, connection } = state;
  const isOld = useLasting(asOf !== null && !connection.blocked);
  const conflicts = waiting.filter(({ conflict }) => conflict);
  const others = waiting.filter(({ conflict }) => !conflict);
  const age = isOld && asOf !== null ? words("as-of", { when: momentOf(asOf, dayIn(Date.now(), zone), language, zone) }) : "";
  return html`
    <div class="notice" role="status" aria-label=${words("name")}>
      ${age && html`<p class="notice__age">${age}</p>`}
      ${connection.blocked && html`<p>${words("blocked")}</p>`}
      ${others.length > 0 && html`<${Waits} changes=${others} />`}
      ${hasRelease &&
      html`<p class="row row--spread"><span>${words("release")}</span><button type="button" class="button" onClick=${() => app.offline()?.replaceRelease()}>${words("reload")}</button></p>`}
    </div>
    ${conflicts.length > 0 && html`<${Conflicts} changes=${conflicts} />`}
    ${state.leaving && html`<${Leaving} count=${waiting.length} leaving=${state.leaving} />`}
  `;
}

/**
 * Ask whether changes may be lost.
 *
 * @param {{count: number, leaving: NonNullable<import("../state.js").State["leaving"]>}} props number of the changes that
 *   wait, and what would delete them
 */
function Leaving({ count, leaving: { action, answer } }) {
  const { t, language } = useApp().app;
  const words = wordsIn(language);
  const stay = () => answer(false);
  return html`
    <${Dialog} title=${words("out.title", { action })} onClose=${stay}>
      <p>${words("out", { n: count })}</p>
      <div class="row row--end">
        <button type="button" class="button button--quiet" onClick=${stay}>${t("dialog.cancel")}</button>
        <button type="button" class="button button--danger" onClick=${() => answer(true)}>${action}</button>
      </div>
    <//>
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
  const { app } = useApp();
  return html`
    <details class="notice__waits">
      <summary>${wordsIn(app.language)("waiting", { n: changes.length })}</summary>
      <ul role="list">
        ${changes.map((change) => html`<li key=${change.id}><bdi>${wordsFor(app, change)}</bdi></li>`)}
      </ul>
    </details>
  `;
}

/**
 * Write what a person has changed.
 *
 * @param {import("./context.js").App} app
 * @param {Waiting} change
 */
export function wordsFor({ t, language }, change) {
  const words = wordsIn(language);
  const { kind, body, name } = change;
  if (kind === "add" && !change.subject) return words("add", { name });
  if (kind === "add") return words("add-lot", { name });
  if (kind === "undo") return name ? words("undo", { name }) : words("undo-other");
  if (kind === "edit" || kind === "delete") return words(kind, { name });
  if (kind === "read") return t("inbox.mark");
  if (kind === "read-all") return t("inbox.mark-all");
  if (kind === "snooze") return t("inbox.snooze");
  const { quantity, location: place = "" } = /** @type {{quantity?: string, location?: string}} */ (body);
  const done = t(`done.${actionOf(change)}`, { name, place });
  return quantity ? `${done} (${quantity})` : done;
}
