/** @module What is done to a part of a lot, at another time, or to another place. */

import { dayIn, isoDay } from "../dates.js";
import { html } from "../html.js";
import { fragmentOf } from "../routes.js";
import { may, roleOf } from "../state/household.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { Choice, TextField } from "./field.js";
import { Icon } from "./icon.js";
import { amountOf, deedsFor } from "./lot_row.js";

/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").LotAction} LotAction */

const REASONS = /** @type {const} */ (["expired", "spoiled", "too_much", "other"]);

/** @param {{lot: KeptLot, places: readonly string[], onClose: () => void}} props */
export function MoreDialog({ lot, places, onClose }) {
  const { app, state } = useApp();
  const { t } = app;
  const [amount, setAmount] = useState("");
  const [place, setPlace] = useState("");
  const [at, setAt] = useState("");
  const [reason, setReason] = useState("");
  const canMove = may(state, "change");
  const today = isoDay(dayIn(Date.now(), state.zone));

  /** @param {LotAction} action */
  const act = (action) => {
    const quantity = amount.trim().replace(",", ".");
    onClose();
    void app.stock.actions.act(lot, action, {
      ...(quantity && { quantity }),
      ...(at && at !== today && { at }),
      ...(action === "move" && { location: place }),
      ...(action === "discard" && reason && { reason }),
    });
  };
  const { name } = lot.product;
  return html`
    <${Dialog} title=${t("more.title", { name })} onClose=${onClose}>
      <div class="grid">
        <${TextField}
          label=${t("more.amount")}
          name="amount"
          inputmode="decimal"
          value=${amount}
          hint=${t("more.of", { quantity: amountOf(lot) || "1" })}
          onInput=${setAmount}
        />
        <${TextField} label=${t("more.at")} name="at" type="date" max=${today} min=${lot.receivedOn} value=${at} hint=${t("more.now")} onInput=${setAt} />
        ${canMove && html`<${TextField} label=${t("more.place")} name="place" value=${place} options=${places} onInput=${setPlace} />`}
        <${Choice}
          label=${t("more.reason")}
          value=${reason}
          onChange=${setReason}
          choices=${[["", t("more.reason.none")], ...REASONS.map((each) => /** @type {const} */ ([each, t(`more.reason.${each}`)]))]}
        />
      </div>
      <div class="row">
        ${deedsFor(lot, state.today, roleOf(state)).map(
          ({ action, text, icon }) => html`
            <button type="button" class="button" onClick=${() => act(action)}><${Icon} name=${icon} />${t(text)}</button>
          `,
        )}
        ${canMove &&
        html`<button type="button" class="button" disabled=${!place.trim()} onClick=${() => act("move")}>
          <${Icon} name="place" />${t("lot.move")}
        </button>`}
      </div>
      <div class="row row--end">
        <a class="link" href=${fragmentOf("product", lot.productId)} onClick=${onClose}>${t("more.open")}</a>
        <button type="button" class="button button--quiet" onClick=${onClose}>${t("more.close")}</button>
      </div>
    <//>
  `;
}
