/** @module Choices that belong to this browser: shortcuts. */

import { html } from "../html.js";
import { setShortcuts, shortcutsOn } from "../keys.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";

export function PageChoices() {
  const { t } = useApp().app;
  const [isOn, setOn] = useState(shortcutsOn());
  const toggle = () => {
    setShortcuts(!isOn);
    setOn(!isOn);
  };
  return html`
    <p class="row">
      <label class="check"><input type="checkbox" checked=${isOn} onChange=${toggle} /><span>${t("settings.shortcuts.on")}</span></label>
    </p>
  `;
}
