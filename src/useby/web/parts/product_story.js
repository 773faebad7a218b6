/** @module What will be sent about a product, and what has happened to it. */

import { dateTime } from "../dates.js";
import { html } from "../html.js";
import { mayUndo, ownZone } from "../state/household.js";
import { canUndo, lotBefore, undoneIds } from "../state/movements.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
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
              <time datetime=${at}>${dateTime(at, app.language, ownZone(state))}</time>, ${t(`product.because.${because.scope}`, { key: because.key ?? "" })}
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
  const [taken, setTaken] = useState(/** @type {readonly string[]} */ ([]));
  const shown = useRef(movements);
  shown.current = movements;
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
  const undone = new Set([...undoneIds(movements, state.waiting), ...taken]);
  const more = async () => {
    const { items, nextCursor } = await app.api.movements(product.id, cursor);
    if (shown.current !== movements) return; // the product has changed, and its newest movements are here
    setMovements([...movements, ...items]);
    setCursor(nextCursor);
    if (nextCursor === null) toHeading(); // the button goes
  };
  /**
   * Undo a movement; the list shows it at once, and takes it back if the node refuses it.
   *
   * @param {Movement} movement
   */
  const undo = async (movement) => {
    const { id, lotId } = movement;
    setTaken((before) => [...before, id]);
    try {
      const before = lotBefore(state.lots.get(lotId), movement, movements, undone);
      await app.stock.actions.undoMovement(id, before, product.name);
    } catch (error) {
      setTaken((before) => before.filter((each) => each !== id)); // one that waits is among what waits
      throw error;
    }
  };
  const toHeading = () => document.getElementById("product-history")?.focus({ preventScroll: true });
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
                onClick=${() => {
                  toHeading(); // the button goes
                  void app.attempt(() => undo(each));
                }}
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
