/** @module Notifications in this browser while no page is open: the press that asks for them. */

import { html } from "../html.js";
import { useState } from "../vendor/hooks.js";
import { wordsIn } from "./channel_text.js";
import { useApp } from "./context.js";

/** @param {{onChange: () => void}} props called when the channel of this browser is made or deleted */
export function NotifyDevice({ onChange }) {
  const { app } = useApp();
  const words = wordsIn(app.language);
  const push = app.offline()?.push;
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  if (!push) return null; // it is loaded after the first paint, before the settings
  const { ability } = push;
  const isOn = ability === "on";
  const press = async () => {
    setBusy(true);
    await app.attempt(async () => {
      if (isOn) await push.turnOff();
      const after = isOn ? "off" : await push.turnOn(await nameOf());
      setSaid(after === "on" ? "on" : isOn ? "stopped" : "asked");
      onChange();
    });
    setBusy(false);
  };
  /** Return the name of this browser among the sign-ins, such as "Firefox on Android". */
  const nameOf = async () => {
    const { items } = await app.api.signIns(null);
    const { program = null, system = null } = items.find(({ current }) => current) ?? {};
    return program && system ? app.t("devices.on", { program, system }) : (program ?? system ?? words("device"));
  };
  if (ability !== "on" && ability !== "off") return html`<p>${words(ability)}</p>`;
  return html`
    <p class="row">
      <button type="button" class=${isOn ? "button" : "button button--main"} aria-busy=${busy ? "true" : "false"} onClick=${press}>
        ${words(isOn ? "stop" : "notify")}
      </button>
    </p>
    <p role="status" class="hint">${said && words(/** @type {import("./channel_text.js").Key} */ (said))}</p>
  `;
}
