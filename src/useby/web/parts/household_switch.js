/** @module The choice of the household whose stock is shown, for a person who is a member of several. */

import { html } from "../html.js";
import { fragmentOf } from "../routes.js";
import { useId } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { nameOf, wordsIn } from "./household_text.js";

export function HouseholdSwitch() {
  const { app, state } = useApp();
  const { households, household } = state;
  const id = useId();
  if (households.length < 2) return null;
  const words = wordsIn(app.language);
  /** @param {{currentTarget: HTMLSelectElement}} event */
  const choose = ({ currentTarget: { value } }) => {
    const chosen = households.find((each) => each.id === value);
    if (!chosen) return;
    app.households.choose(chosen);
    if (state.route.view === "product") location.hash = fragmentOf("products"); // the product is in the one before
  };
  return html`
    <div class="switch">
      <label class="unseen" for=${id}>${words("switch")}</label>
      <select id=${id} value=${household?.id} onChange=${choose}>
        ${households.map(
          (each) => html`<option value=${each.id} selected=${each.id === household?.id}>${nameOf(words, each)}</option>`,
        )}
      </select>
    </div>
  `;
}
