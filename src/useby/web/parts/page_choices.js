/** @module Choices that belong to this browser: language and shortcuts. */

import { html } from "../html.js";
import { setShortcuts, shortcutsOn } from "../keys.js";
import { keepLanguage, LANGUAGE_NAMES } from "../text.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Choice } from "./field.js";

export function PageChoices() {
  const { app } = useApp();
  const { t } = app;
  const [isOn, setOn] = useState(shortcutsOn());
  const toggle = () => {
    setShortcuts(!isOn);
    setOn(!isOn);
  };
  /** @param {string} language */
  const choose = (language) => {
    keepLanguage(language);
    location.reload(); // all texts are written again, those of the browser's own dates too
  };
  return html`
    <div class="grid"><${Choice} label=${t("settings.language")} value=${app.language} onChange=${choose} choices=${LANGUAGE_NAMES} /></div>
    <p class="row">
      <label class="check"><input type="checkbox" checked=${isOn} onChange=${toggle} /><span>${t("settings.shortcuts.on")}</span></label>
    </p>
  `;
}
