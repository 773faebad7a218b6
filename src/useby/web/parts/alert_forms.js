/** @module When alerts are sent. */

import { html } from "../html.js";
import { useState } from "../vendor/hooks.js";
import { useAccountChange } from "./account_change.js";
import { useApp } from "./context.js";
import { TextField } from "./field.js";

/** @typedef {import("../types.js").Me} Me */

/** @param {{me: Me}} props */
export function AlertForm({ me }) {
  const { t } = useApp().app;
  const [time, setTime] = useState(me.alertTime);
  const [leads, setLeads] = useState(me.leadDays.join(", "));
  const [cap, setCap] = useState(String(me.floodCap));
  const { save, busy, problems, setProblems } = useAccountChange(["alertTime", "leadDays", "floodCap"]);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const leadDays = daysOf(leads);
    if (!leadDays) setProblems({ leadDays: t("settings.leads.bad") });
    else if (!busy) void save({ alertTime: time, leadDays, floodCap: Number(cap) });
  };
  return html`
    <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
      <div class="grid">
        <${TextField} label=${t("settings.time")} name="alertTime" type="time" required value=${time} error=${problems.alertTime} onInput=${setTime} />
        <${TextField} label=${t("settings.leads")} name="leadDays" value=${leads} hint=${t("settings.leads.hint")} error=${problems.leadDays} onInput=${setLeads} />
        <${TextField}
          label=${t("settings.cap")}
          name="floodCap"
          type="number"
          min="1"
          max="100"
          step="1"
          required
          value=${cap}
          hint=${t("settings.cap.hint")}
          error=${problems.floodCap}
          onInput=${setCap}
        />
      </div>
      <p class="error" role="alert">${problems.form}</p>
      <div class="row"><button class="button">${t("settings.save")}</button></div>
    </form>
  `;
}

/**
 * Return the numbers of days that a person has typed; undefined if something else is among them.
 *
 * @param {string} text
 */
export function daysOf(text) {
  const days = text.split(/[\s,;]+/).filter(Boolean);
  return days.every((each) => /^\d{1,4}$/.test(each)) ? days.map(Number) : undefined;
}
