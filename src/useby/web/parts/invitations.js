/** @module The invitations to a household: a link with its QR code, which is shown once, and those that are open. */

import { dateTime } from "../dates.js";
import { html } from "../html.js";
import { withMessage } from "../state.js";
import { ownZone } from "../state/household.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Choice, TextField } from "./field.js";
import { wordsIn } from "./household_text.js";
import { ROLES } from "./members.js";
import { QrCode } from "./qr_code.js";

/** @typedef {import("../types.js").HouseholdInvitation} Invitation */
/** @typedef {import("../types.js").NewInvitation} NewInvitation */
/** @typedef {import("../types.js").Role} Role */

/** @param {{api: import("../household_api.js").HouseholdApi}} props */
export function Invitations({ api }) {
  const { app, state } = useApp();
  const { language } = app;
  const words = wordsIn(language);
  const [role, setRole] = useState(/** @type {Role} */ ("editor"));
  const [made, setMade] = useState(/** @type {NewInvitation | null} */ (null));
  const [open, setOpen] = useState(/** @type {readonly Invitation[]} */ ([]));
  const [busy, setBusy] = useState(false);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const load = async () => setOpen(await api.invitations());
  useEffect(() => void app.attempt(load), []);
  const make = async () => {
    setBusy(true);
    await app.attempt(async () => {
      setMade(await api.invite(role));
      await load();
    });
    setBusy(false);
  };
  /** @param {string} id */
  const revoke = async (id) => {
    await api.revoke(id);
    if (made?.id === id) setMade(null);
    await load();
    app.store.update(withMessage, words("invite.revoked"));
    heading.current?.focus(); // the button that had the focus goes
  };
  return html`
    <h3 ref=${heading} tabindex="-1">${words("invite")}</h3>
    <p class="hint">${words("invite.hint")}</p>
    <form
      class="row"
      aria-busy=${busy ? "true" : "false"}
      onSubmit=${(/** @type {Event} */ event) => {
        event.preventDefault();
        if (!busy) void make();
      }}
    >
      <${Choice}
        label=${words("role")}
        value=${role}
        onChange=${setRole}
        choices=${ROLES.map((each) => /** @type {const} */ ([each, `${words(`role.${each}`)}: ${words(`may.${each}`)}`]))}
      />
      <button class="button">${words("invite.make")}</button>
    </form>
    <div role="status">${made && html`<${Link} of=${made} />`}</div>
    ${open.length > 0 &&
    html`
      <h4>${words("invite.open")}</h4>
      <ul class="devices" role="list">
        ${open.map((each) => {
          const values = { role: words(`role.${each.role}`), when: dateTime(each.expiresAt, language, ownZone(state)) };
          return html`
            <li key=${each.id}>
              <p>${words("invite.until", values)}</p>
              <button type="button" class="button" aria-label=${words("invite.revoke.named", values)} onClick=${() => void app.attempt(() => revoke(each.id))}>
                ${words("invite.revoke")}
              </button>
            </li>
          `;
        })}
      </ul>
    `}
  `;
}

/** @param {{of: NewInvitation}} props */
function Link({ of }) {
  const { app } = useApp();
  const words = wordsIn(app.language);
  const copy = async () => {
    await navigator.clipboard.writeText(of.url);
    app.store.update(withMessage, words("invite.copied"));
  };
  return html`
    <div class="invitation">
      <p>${words("invite.once", { role: words(`role.${of.role}`) })}</p>
      <${TextField} label=${words("invite.link")} name="link" readonly value=${of.url} onInput=${() => {}} />
      ${"clipboard" in navigator && html`<p class="row"><button type="button" class="button" onClick=${() => void app.attempt(copy)}>${words("invite.copy")}</button></p>`}
      <${QrCode} text=${of.url} label=${words("invite.code")} />
    </div>
  `;
}
