/** @module The language of the account: that of its notifications, and of the page if it has texts in it. */

import { html } from "../html.js";
import { keepLanguage, MESSAGE_LANGUAGES } from "../text.js";
import { useAccountChange } from "./account_change.js";
import { useApp } from "./context.js";
import { Choice } from "./field.js";

/** @param {{me: import("../types.js").Me}} props */
export function LanguageChoice({ me }) {
  const { t } = useApp().app;
  const { save, problems } = useAccountChange(["language"]);
  const own = (me.language ?? "").slice(0, 2);
  /** @param {string} language */
  const choose = async (language) => {
    if (!(await save({ language }))) return;
    keepLanguage(language);
    location.reload(); // all texts are written again, those of the browser's own dates too
  };
  const choices = own ? MESSAGE_LANGUAGES : [/** @type {const} */ (["", t("settings.language.unset")]), ...MESSAGE_LANGUAGES];
  return html`
    <div class="grid"><${Choice} label=${t("settings.language")} value=${own} onChange=${choose} choices=${choices} /></div>
    <p class="error" role="alert">${problems.language ?? problems.form}</p>
  `;
}
