/** @module Name, time zone and password of the account. */

import { html } from "../html.js";
import { useState } from "../vendor/hooks.js";
import { useAccountChange } from "./account_change.js";
import { useApp } from "./context.js";
import { Choice, TextField } from "./field.js";

/** @typedef {import("../types.js").Me} Me */

/** @param {{me: Me}} props */
export function AccountForm({ me }) {
  const { t } = useApp().app;
  const [name, setName] = useState(me.name);
  const [zone, setZone] = useState(me.timeZone);
  const { save, busy, problems } = useAccountChange(["name", "timeZone"]);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (!busy) void save({ name, timeZone: zone });
  };
  return html`
    <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
      <div class="grid">
        <${TextField} label=${t("settings.name")} name="name" autocomplete="name" value=${name} error=${problems.name} onInput=${setName} />
        <${Choice} label=${t("settings.zone")} value=${zone} onChange=${setZone} choices=${zonesWith(me.timeZone)} />
      </div>
      <p class="error" role="alert">${problems.timeZone ?? problems.form}</p>
      <div class="row"><button class="button">${t("settings.save")}</button></div>
    </form>
  `;
}

/**
 * Return the time zones that the browser knows, and the account's own.
 *
 * @param {string} own
 */
export function zonesWith(own) {
  const zones = [...new Set(["UTC", own, ...Intl.supportedValuesOf("timeZone")])].sort();
  return zones.map((each) => /** @type {const} */ ([each, each.replaceAll("_", " ")]));
}

/** @param {{email: string}} props the e-mail, by which a password manager finds the entry */
export function PasswordForm({ email }) {
  const { t } = useApp().app;
  const [before, setBefore] = useState("");
  const [after, setAfter] = useState("");
  const [isOpen, setOpen] = useState(false);
  const { save, busy, problems } = useAccountChange(["password"]);
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy || !(await save({ password: after, currentPassword: before }))) return;
    setBefore("");
    setAfter("");
  };
  /** @param {{currentTarget: HTMLDetailsElement}} event */
  const toggle = ({ currentTarget }) => setOpen(currentTarget.open);
  return html`
    <details class="fold" open=${isOpen} onToggle=${toggle}>
      <summary>${t("settings.password")}</summary>
      <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
        <input class="unseen" type="text" autocomplete="username" value=${email} readonly tabindex="-1" aria-hidden="true" />
        <div class="grid">
          <${TextField} label=${t("settings.password.current")} name="current" type="password" autocomplete="current-password" required value=${before} error=${problems.form} onInput=${setBefore} />
          <${TextField} label=${t("settings.password.new")} name="new" type="password" autocomplete="new-password" required value=${after} error=${problems.password} onInput=${setAfter} />
        </div>
        <p class="hint">${t("settings.password.hint")}</p>
        <div class="row"><button class="button">${t("settings.password.change")}</button></div>
      </form>
    </details>
  `;
}
