/** @module The household that is shown: its settings, its members, and the invitations to it. */

import { HouseholdApi } from "../household_api.js";
import { html } from "../html.js";
import { withMessage } from "../state.js";
import { may } from "../state/household.js";
import { useEffect, useMemo, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { HouseholdForm } from "./household_form.js";
import { nameOf, wordsIn } from "./household_text.js";
import { Invitations } from "./invitations.js";
import { Members } from "./members.js";
import { PolicyDialog } from "./policy_dialog.js";

/** @typedef {import("../types.js").Member} Member */

/** What the household's own policy is about. */
const EVERYBODY = /** @type {const} */ ({ scope: "household", key: null });

/** The section `Household` of the settings. */
export function Household() {
  const { household } = useApp().state;
  return household && html`<${Known} key=${household.id} of=${household} />`;
}

/** @param {{of: import("../types.js").Household}} props */
function Known({ of }) {
  const { app, state } = useApp();
  const words = wordsIn(app.language);
  const api = useMemo(() => new HouseholdApi(app.session, of.id), []);
  const [members, setMembers] = useState(/** @type {readonly Member[]} */ ([]));
  const [asked, setAsked] = useState(/** @type {"" | "policy" | "leave" | "delete"} */ (""));
  const load = async () => setMembers(await api.members());
  useEffect(() => void app.attempt(load), []);

  const name = nameOf(words, of);
  const canGovern = may(state, "govern");
  const isShared = members.length > 1;
  const canDelete = canGovern && (isShared || of.id !== state.me?.id);
  const isLast = canGovern && members.filter(({ role }) => role === "owner").length < 2;
  const close = () => setAsked("");
  /**
   * @param {() => Promise<unknown>} action that ends the membership
   * @param {"left" | "deleted"} text
   */
  const end = (action, text) => {
    close();
    void app.attempt(async () => {
      await action();
      await app.households.load();
      if (app.store.state.household?.id === of.id) await Promise.all([load(), app.stock.load()]); // it is empty now
      app.store.update(withMessage, words(text, { name }));
      document.querySelector("h1")?.focus();
    });
  };
  return html`
    <div>
      ${canGovern ? html`<${HouseholdForm} api=${api} of=${of} />` : html`<p>${name}</p><p class="hint">${words("readonly")}</p>`}
      <${Members} api=${api} members=${members} onChange=${load} />
      ${canGovern && html`<${Invitations} api=${api} />`}
      <p class="row">
        ${isShared &&
        may(state, "policy") &&
        html`<button type="button" class="button" onClick=${() => setAsked("policy")}>${words("policy")}</button>`}
        ${isShared && html`<button type="button" class="button" onClick=${() => setAsked("leave")}>${words("leave")}</button>`}
        ${canDelete &&
        html`<button type="button" class="button button--danger" onClick=${() => setAsked("delete")}>${words("delete")}</button>`}
      </p>
    </div>
    ${asked === "policy" && html`<${PolicyDialog} subjects=${[EVERYBODY]} onClose=${close} onChange=${() => {}} />`}
    ${asked === "leave" &&
    html`
      <${Dialog} title=${words("leave.title", { name })} onClose=${close}>
        <p>${words(isLast ? "leave.last" : "leave.text")}</p>
        <div class="row row--end">
          <button type="button" class="button button--quiet" onClick=${close}>${words("cancel")}</button>
          ${!isLast &&
          html`<button type="button" class="button button--danger" onClick=${() => end(() => api.remove(state.me?.id ?? ""), "left")}>
            ${words("leave")}
          </button>`}
        </div>
      <//>
    `}
    ${asked === "delete" &&
    html`
      <${Dialog} title=${words("delete.title", { name })} onClose=${close}>
        <p>${words("delete.text")}</p>
        <div class="row row--end">
          <button type="button" class="button button--quiet" onClick=${close}>${words("cancel")}</button>
          <button type="button" class="button button--danger" onClick=${() => end(() => api.delete(), "deleted")}>${words("delete.button")}</button>
        </div>
      <//>
    `}
  `;
}
