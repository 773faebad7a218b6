/** @module The settings of a household. */

import { ApiError } from "../api.js";
import { html } from "../html.js";
import { withMessage } from "../state.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { zonesWith } from "./account_forms.js";
import { useApp } from "./context.js";
import { Choice, TextField } from "./field.js";
import { wordsIn } from "./household_text.js";

const FIELDS = /** @type {const} */ (["name", "timeZone", "currency"]);

/** @param {{api: import("../household_api.js").HouseholdApi, of: import("../types.js").Household}} props */
export function HouseholdForm({ api, of }) {
  const { app } = useApp();
  const words = wordsIn(app.language);
  const [name, setName] = useState(of.name);
  const [zone, setZone] = useState(of.timeZone);
  const [currency, setCurrency] = useState(of.currency ?? "");
  const [settles, setSettles] = useState(of.readSettlesAll);
  const [problems, setProblems] = useState(/** @type {Record<string, string>} */ ({}));
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setName(of.name);
    setZone(of.timeZone); // the person's own follows the account
    setCurrency(of.currency ?? "");
    setSettles(of.readSettlesAll);
  }, [of.name, of.timeZone, of.currency, of.readSettlesAll]);

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblems({});
    try {
      await api.change(changed(of, { name, timeZone: zone, currency: currency.trim() || of.currency, readSettlesAll: settles }));
      await app.households.load();
      app.store.update(withMessage, app.t("settings.saved"));
      if (zone !== of.timeZone) void app.attempt(() => app.stock.load()); // the days left differ
    } catch (error) {
      const refused = error instanceof ApiError ? error.fields : [];
      setProblems({ [FIELDS.find((each) => refused.includes(each)) ?? "form"]: app.stock.reasonOf(error) });
    }
    setBusy(false);
  };
  return html`
    <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
      <div class="grid">
        <${TextField} label=${words("name")} name="householdName" maxlength="100" value=${name} error=${problems.name} onInput=${setName} />
        <${Choice} label=${words("zone")} value=${zone} onChange=${setZone} choices=${zonesWith(of.timeZone)} />
        <${TextField}
          label=${words("currency")}
          name="currency"
          maxlength="3"
          autocapitalize="characters"
          value=${currency}
          hint=${currencyName(currency, app.language) || words("currency.hint")}
          error=${problems.currency}
          onInput=${(/** @type {string} */ text) => setCurrency(text.toUpperCase())}
        />
      </div>
      <p><label class="check"><input type="checkbox" name="settles" checked=${settles} onChange=${() => setSettles(!settles)} /> ${words("settles")}</label></p>
      <p class="error" role="alert">${problems.timeZone ?? problems.form}</p>
      <div class="row"><button class="button">${words("save")}</button></div>
    </form>
  `;
}

/**
 * Return the fields that a person has changed.
 *
 * @param {import("../types.js").Household} before
 * @param {Pick<import("../types.js").Household, "name" | "timeZone" | "currency" | "readSettlesAll">} after
 */
export const changed = (before, after) =>
  Object.fromEntries(Object.entries(after).filter(([name, value]) => value !== Reflect.get(before, name)));

/**
 * Return the name of a currency in a language; an empty text if the code is unknown.
 *
 * @param {string} code
 * @param {string} language
 */
function currencyName(code, language) {
  if (!/^[A-Z]{3}$/.test(code)) return "";
  return new Intl.DisplayNames(language, { type: "currency", fallback: "none" }).of(code) ?? "";
}
