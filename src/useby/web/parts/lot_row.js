/** @module One lot in a list, with what can be done to it. */

import { daysLeft, longDate, relativeDays, shortDate, urgencyOf } from "../dates.js";
import { html } from "../html.js";
import { fragmentOf } from "../routes.js";
import { MAY, roleOf } from "../state/household.js";
import { asShown } from "../state/lots.js";
import { Component } from "../vendor/preact.js";
import { Icon } from "./icon.js";
import { once } from "./press.js";

/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").LotAction} LotAction */

/** @typedef {{action: LotAction, text: import("../text.js").Key, icon: string}} Deed */

/** @type {Record<"consume" | "discard" | "open" | "freeze" | "thaw", Deed>} */
export const DEEDS = {
  consume: { action: "consume", text: "lot.used", icon: "used" },
  discard: { action: "discard", text: "lot.thrown", icon: "thrown" },
  open: { action: "open", text: "lot.opened", icon: "opened" },
  freeze: { action: "freeze", text: "lot.frozen", icon: "frozen" },
  thaw: { action: "thaw", text: "lot.thawed", icon: "thawed" },
};

/**
 * Return what a person can do to a lot. Food is frozen before its use-by date, not after it.
 *
 * @param {KeptLot} lot
 * @param {number} today
 * @param {import("../types.js").Role} role the person's
 */
export function deedsFor(lot, today, role) {
  if (!MAY[role].includes("use")) return [];
  const deeds = [DEEDS.consume, DEEDS.discard];
  if (lot.state === "sealed" || lot.state === "thawed") deeds.push(DEEDS.open);
  if (!MAY[role].includes("change")) return deeds;
  const isTooLate = lot.dateKind === "use_by" && urgencyOf(lot, today) === "expired";
  if (lot.state === "frozen") deeds.push(DEEDS.thaw);
  else if (!isTooLate) deeds.push(DEEDS.freeze);
  return deeds;
}

/**
 * Return what is done to lots in the order of its buttons. What does not apply now keeps its place, so that no button
 * comes under the finger of a person who presses another one.
 *
 * @param {KeptLot} lot
 * @param {import("../types.js").Role} role the person's
 */
export const placesFor = ({ state }, role) => [
  ...[DEEDS.consume, DEEDS.discard, DEEDS.open],
  ...(MAY[role].includes("change") ? [state === "frozen" ? DEEDS.thaw : DEEDS.freeze] : []),
];

/**
 * @typedef {object} Props
 * @property {import("./context.js").App} app
 * @property {KeptLot} lot as it is shown
 * @property {number} today
 * @property {string} zone
 * @property {import("../types.js").Role} role the person's in the household
 * @property {boolean} refused the node has refused the last action on it
 * @property {(lot: KeptLot) => void} onMore
 * @property {import("../html.js").Child} [before] what stands before the name
 */

const COMPARED = /** @type {const} */ (["lot", "today", "zone", "role", "refused", "before"]);

/**
 * A row; it is rendered again only if one of its properties has changed.
 *
 * @extends {Component<Props>}
 */
export class LotRow extends Component {
  /** @param {Props} next */
  shouldComponentUpdate(next) {
    const now = /** @type {Props} */ (this.props);
    return COMPARED.some((name) => next[name] !== now[name]);
  }

  render() {
    const { app, lot, today, zone, role, refused, onMore, before } = /** @type {Props} */ (this.props);
    const { t } = app;
    const { id, product } = lot;
    const urgency = urgencyOf(lot, today);
    const deeds = deedsFor(lot, today, role);
    const amount = amountOf(lot);
    const details = [lot.state !== "sealed" && t(`state.${lot.state}`), lot.location].filter(Boolean);
    return html`
      <div
        role="listitem"
        class=${`lot lot--${urgency} ${lot.closedAs ? "lot--gone" : ""} ${refused ? "lot--refused" : ""}`}
        data-lot=${id}
        aria-labelledby=${`${id}-name${amount && ` ${id}-amount`} ${id}-when`}
      >
        ${before}
        <div class="lot__text">
          <p class="lot__title">
            <a class="lot__name" dir="auto" id=${`${id}-name`} href=${fragmentOf("product", product.id)}>${product.name}</a>
            ${amount && html`${" "}<bdi class="lot__amount" id=${`${id}-amount`}>${amount}</bdi>`}
          </p>
          <p class="lot__when" id=${`${id}-when`}>
            <span class="lot__due"><${Icon} name=${urgency} />${dueText(app, lot, today)}</span>
            ${lot.expiryDate !== null &&
            html`${" "}<time class="lot__date" datetime=${lot.expiryDate} title=${`${t(`lot.${lot.dateKind}`)} ${longDate(lot.expiryDate, app.language, zone)}`}
              >${shortDate(lot.expiryDate, app.language, zone, today)}</time
            >`}
            ${details.map((each) => html`${" "}<bdi>${each}</bdi>`)}
          </p>
        </div>
        ${lot.closedAs
          ? html`<p class="lot__done">${t(lot.closedAs === "consumed" ? "lot.used" : "lot.thrown")}</p>`
          : MAY[role].includes("use") &&
            html`
              <div class="lot__actions">
                ${placesFor(lot, role).map((deed) =>
                  deeds.includes(deed)
                    ? html`<${DeedButton} key=${deed.action} app=${app} lot=${lot} deed=${deed} />`
                    : html`<span key=${deed.action} class="action action--none" aria-hidden="true">${t(deed.text)}</span>`,
                )}
                <button
                  type="button"
                  class="action"
                  data-action="more"
                  aria-haspopup="dialog"
                  aria-describedby=${`${id}-name`}
                  onClick=${once(() => onMore(lot))}
                >
                  <${Icon} name="more" />${t("lot.more")}
                </button>
              </div>
            `}
      </div>
    `;
  }
}

/** @param {{app: import("./context.js").App, lot: KeptLot, deed: Deed}} props */
const DeedButton = ({ app, lot, deed: { action, text, icon } }) => html`
  <button
    type="button"
    class="action"
    data-action=${action}
    aria-describedby=${`${lot.id}-name`}
    onClick=${once(() => void app.stock.actions.act(lot, action))}
  >
    <${Icon} name=${icon} />${app.t(text)}
  </button>
`;

/**
 * Render the row of a lot as a state shows it.
 *
 * @param {Pick<Props, "app" | "lot" | "onMore" | "before"> & {state: import("../state.js").State}} props
 */
export const rowOf = ({ app, state, lot, onMore, before }) => html`
  <${LotRow}
    key=${lot.id}
    app=${app}
    lot=${asShown(lot, state.pending.get(lot.id))}
    today=${state.today}
    zone=${state.zone}
    role=${roleOf(state)}
    refused=${state.refused === lot.id}
    onMore=${onMore}
    before=${before}
  />
`;

/** @param {KeptLot} lot */
export const amountOf = ({ quantity, product: { unit } }) =>
  unit ? `${quantity} ${unit}` : quantity === "1" ? "" : `× ${quantity}`;

/**
 * Write how long a lot is good: "in 4 days", "expired yesterday".
 *
 * @param {import("./context.js").App} app
 * @param {KeptLot} lot
 * @param {number} today
 */
export function dueText({ t, language }, lot, today) {
  const days = daysLeft(lot, today);
  if (days === null) return t(lot.state === "frozen" ? "lot.frozen-no-date" : "lot.no-date");
  if (urgencyOf(lot, today) !== "expired") return relativeDays(days, language);
  return days >= 0 ? t("lot.expired-today") : t("lot.expired", { relative: relativeDays(days, language) });
}
