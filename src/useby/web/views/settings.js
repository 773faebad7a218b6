/** @module The account. Further sections get a heading and a component each. */

import { html } from "../html.js";
import { useApp } from "../parts/context.js";
import { setShortcuts, shortcutsOn } from "../keys.js";
import { withMessage } from "../state.js";
import { useState } from "../vendor/hooks.js";

export function Settings() {
  const { app, state } = useApp();
  const { t } = app;
  const [isOn, setOn] = useState(shortcutsOn());
  const toggle = () => {
    setShortcuts(!isOn);
    setOn(!isOn);
  };
  const everywhere = async () => {
    await app.api.signOutEverywhere();
    await app.signOut();
  };
  const removeSamples = async () => {
    await app.api.removeSamples();
    await app.stock.load();
    app.store.update(withMessage, t("done.changed"));
  };
  return html`
    <h1 tabindex="-1">${t("settings.title")}</h1>
    <section aria-labelledby="settings-account">
      <h2 id="settings-account">${t("settings.account")}</h2>
      ${state.me &&
      html`
        <p>${t("settings.signed-in", { email: state.me.email })}</p>
        <p class="hint">${t("settings.zone", { zone: state.zone })}</p>
      `}
      <div class="row">
        <button type="button" class="button" onClick=${() => void app.signOut()}>${t("settings.out")}</button>
        <button type="button" class="button" onClick=${() => void app.attempt(everywhere)}>${t("settings.out-everywhere")}</button>
      </div>
      <p class="row">
        <button type="button" class="button button--quiet" onClick=${() => void app.attempt(removeSamples)}>${t("settings.samples")}</button>
      </p>
    </section>
    <section aria-labelledby="settings-shortcuts">
      <h2 id="settings-shortcuts">${t("settings.shortcuts")}</h2>
      <label class="check"><input type="checkbox" checked=${isOn} onChange=${toggle} /><span>${t("settings.shortcuts.on")}</span></label>
    </section>
  `;
}
