/** @module A channel: its state, a test, what it sends, and what it has delivered. */

import { dateTime } from "../dates.js";
import { html } from "../html.js";
import { ownZone } from "../state/household.js";
import { useState } from "../vendor/hooks.js";
import { wordsIn } from "./channel_text.js";
import { useApp } from "./context.js";
import { Choice } from "./field.js";

/** @typedef {import("../types.js").Channel} Channel */
/** @typedef {import("../types.js").Delivery} Delivery */

const SEVERITIES = /** @type {const} */ (["info", "warning", "error"]);
const AFTERS = /** @type {const} */ (["PT0S", "PT10M", "PT1H", "P1D"]);

/** @param {{of: Channel, onChange: (changed: Channel) => void, onGone: () => Promise<void>, onDelete: () => void}} props */
export function ChannelRow({ of, onChange, onGone, onDelete }) {
  const { app } = useApp();
  const words = wordsIn(app.language);
  const [tested, setTested] = useState("");
  const [deliveries, setDeliveries] = useState(/** @type {readonly Delivery[] | null} */ (null));
  const { id, name } = of;
  const reason = of.error ?? "";
  const sends = of.confirmed ? words(`state.${of.state}`, { reason }) : words("state.unconfirmed");
  const state = of.enabled ? sends : words("state.off");
  const isHere = app.offline()?.push.channel === id;

  const test = async () => {
    const { sent, detail } = await app.api.testChannel(id);
    setTested(words(sent ? "test.sent" : "test.failed", { detail }));
    if (!sent) await onGone(); // a browser whose subscription has ended is deleted
  };
  const sendLink = async () => {
    onChange(await app.api.changeChannel(id, { address: of.address }));
    setTested(words("confirm.sent"));
  };
  /** @param {object} fields */
  const change = (fields) => void app.attempt(async () => onChange(await app.api.changeChannel(id, fields)));
  const toggle = async () => setDeliveries(deliveries ? null : (await app.api.deliveries(id)).items);
  /**
   * @param {"test" | "confirm" | "more" | "enable" | "disable" | "delete"} what
   * @param {() => void} onClick
   * @param {object} [more]
   */
  const button = (what, onClick, more = {}) => html`
    <button type="button" class="button" aria-label=${words(`${what}.named`, { name })} onClick=${onClick} ...${more}>${words(what)}</button>
  `;
  return html`
    <li class="channel">
      <div>
        <p>${name} <span class="hint">${words(/** @type {import("./channel_text.js").Key} */ (`kind.${of.kind}`))}${isHere && `, ${words("here")}`}</span></p>
        ${(of.url ?? of.address) && html`<p class="hint channel__url">${of.url ?? of.address}</p>`}
        <p class="hint">${state}</p>
        <p role="status" class="hint">${tested}</p>
      </div>
      <div class="row">
        ${of.confirmed ? button("test", () => void app.attempt(test)) : button("confirm", () => void app.attempt(sendLink))}
        ${button("more", () => void app.attempt(toggle), { "aria-expanded": deliveries ? "true" : "false" })}
      </div>
      ${deliveries &&
      html`
        <div class="channel__more">
          <div class="grid">
            <${Choice}
              label=${words("severity")}
              value=${of.minimumSeverity}
              onChange=${(/** @type {string} */ minimumSeverity) => change({ minimumSeverity })}
              choices=${SEVERITIES.map((each) => [each, words(`severity.${each}`)])}
            />
            <${Choice}
              label=${words("after")}
              value=${of.after}
              onChange=${(/** @type {string} */ after) => change({ after })}
              choices=${aftersWith(of.after, words)}
            />
          </div>
          <p class="hint">${words("after.hint")}</p>
          <h3>${words("deliveries")}</h3>
          <${Deliveries} of=${deliveries} />
          <div class="row">
            ${button(of.enabled ? "disable" : "enable", () => change({ enabled: !of.enabled }))} ${button("delete", onDelete)}
          </div>
        </div>
      `}
    </li>
  `;
}

/**
 * Return the choices of a wait; a wait that was set elsewhere is one of them, as it is.
 *
 * @param {string} after
 * @param {import("./channel_text.js").Words} words
 * @returns {[string, string][]}
 */
function aftersWith(after, words) {
  const known = AFTERS.map((each) => /** @type {[string, string]} */ ([each, words(`after.${each}`)]));
  return known.some(([each]) => each === after) ? known : [...known, [after, after]];
}

/** @param {{of: readonly Delivery[]}} props */
function Deliveries({ of }) {
  const { app, state } = useApp();
  const words = wordsIn(app.language);
  if (!of.length) return html`<p class="hint">${words("deliveries.none")}</p>`;
  return html`
    <ol class="channel__deliveries" role="list" tabindex="0" aria-label=${words("deliveries")}>
      ${of.map(
        (each) => html`
          <li key=${each.notificationId}>
            <p>${each.message}</p>
            <p class="hint">
              ${[words(`delivery.${each.state}`), dateTime(each.doneAt ?? each.dueAt, app.language, ownZone(state)), each.error].filter(Boolean).join(", ")}
            </p>
          </li>
        `,
      )}
    </ol>
  `;
}
