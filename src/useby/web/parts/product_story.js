/** @module What will be sent about a product, and what has happened to it. */

import { dateTime } from "../dates.js";
import { html } from "../html.js";
import { mayUndo } from "../state/household.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Icon } from "./icon.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {import("../types.js").Movement} Movement */
/** @typedef {import("../text.js").Key} Key */

/**
 * List the coming notifications, each with the policy that sends it.
 *
 * @param {{id: string, version: object}} props
 */
export function Alerts({ id, version }) {
  const { app, state } = useApp();
  const { t } = app;
  const [alerts, setAlerts] = useState(/** @type {readonly Alert[] | null} */ (null));
  useEffect(() => {
    app.api.alerts(id).then(
      ({ items }) => setAlerts(items),
      () => {}, // the error of the product is shown
    );
  }, [id, version]);
  if (!alerts) return null;
  // Lots that fall due in the same words are one notification.
  const messages = [...new Map(alerts.map((each) => [`${each.at} ${each.message}`, each])).values()];
  if (!messages.length) return html`<p class="hint">${t("product.alerts.none")}</p>`;
  return html`
    <ul class="story" role="list">
      ${messages.map(
        ({ at, message, because }) => html`
          <li>
            <p><bdi>${message}</bdi></p>
            <p class="hint">
              <time datetime=${at}>${dateTime(at, app.language, state.zone)}</time>, ${t(`product.because.${because.scope}`, { key: because.key ?? "" })}
            </p>
          </li>
        `,
      )}
    </ul>
  `;
}

/**
 * List what happened, newest first; what can be undone has a button.
 *
 * @param {{product: import("../types.js").Product, version: object}} props
 */
export function History({ product, version }) {
  const { app, state } = useApp();
  const { t } = app;
  const [movements, setMovements] = useState(/** @type {readonly Movement[] | null} */ (null));
  const [cursor, setCursor] = useState(/** @type {string | null} */ (null));
  useEffect(() => {
    app.api.movements(product.id, null).then(
      ({ items, nextCursor }) => {
        setMovements(items);
        setCursor(nextCursor);
      },
      () => {}, // the error of the product is shown
    );
  }, [product.id, version]);
  if (!movements) return null;
  if (!movements.length) return html`<p class="hint">${t("product.history.none")}</p>`;
  const undone = new Set(movements.map(({ undoes }) => undoes));
  const more = async () => {
    const { items, nextCursor } = await app.api.movements(product.id, cursor);
    setMovements([...movements, ...items]);
    setCursor(nextCursor);
  };
  return html`
    <ol class="story" role="list">
      ${movements.map((each) => {
        const what = describe(t, each, product.unit);
        return html`
          <li key=${each.id} class=${undone.has(each.id) ? "story__undone" : ""}>
            <div>
              <p>${what}</p>
              <p class="hint"><time datetime=${each.at}>${dateTime(each.at, app.language, state.zone)}</time></p>
            </div>
            ${canUndo(each, movements, undone) &&
            mayUndo(state, each) &&
            html`
              <button
                type="button"
                class="button button--quiet"
                aria-label=${t("product.undo", { what })}
                onClick=${() => void app.attempt(() => app.stock.undoMovement(each.id))}
              >
                <${Icon} name="undo" />${t("undo.button")}
              </button>
            `}
          </li>
        `;
      })}
    </ol>
    ${cursor !== null && html`<button type="button" class="button" onClick=${() => void app.attempt(more)}>${t("product.more")}</button>`}
  `;
}

/**
 * @param {import("../text.js").Translate} t
 * @param {Movement} movement
 * @param {string} unit
 */
function describe(t, { kind, quantity, reason }, unit) {
  const what = t(/** @type {Key} */ (`moved.${kind}`));
  const why = reason ? `, ${t(/** @type {Key} */ (`more.reason.${reason}`))}` : "";
  return `${quantity}${unit && ` ${unit}`} ${what}${why}`;
}

/**
 * Return true if no later movement of the lot stands on this one.
 *
 * @param {Movement} movement
 * @param {readonly Movement[]} movements newest first
 * @param {ReadonlySet<string | null>} undone
 */
function canUndo(movement, movements, undone) {
  const { id, kind, lotId } = movement;
  if (kind === "undone" || kind === "received" || kind === "split" || undone.has(id)) return false;
  const later = movements.slice(0, movements.indexOf(movement));
  return later.every((each) => each.lotId !== lotId || each.kind === "undone" || undone.has(each.id));
}
