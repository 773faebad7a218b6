/** @module The account and what belongs to it. Each section is a component of its own. */

import { html } from "../html.js";
import { AccountForm, PasswordForm } from "../parts/account_forms.js";
import { AlertForm } from "../parts/alert_forms.js";
import { Channels } from "../parts/channels.js";
import { wordsIn } from "../parts/channel_text.js";
import { useApp } from "../parts/context.js";
import { DeleteAccount } from "../parts/delete_account.js";
import { Devices } from "../parts/devices.js";
import { ProgramKeys } from "../parts/program_keys.js";
import { ExportDialog } from "../parts/export_dialog.js";
import { lazy } from "../parts/lazy.js";
import { LanguageChoice } from "../parts/language_choice.js";
import { PageChoices } from "../parts/page_choices.js";
import { Policies } from "../parts/policies.js";
import { DigestForm, QuietForm } from "../parts/quiet_forms.js";
import { Section } from "../parts/section.js";
import { removeSamples } from "../parts/samples.js";
import { withFields } from "../state.js";
import { may } from "../state/household.js";
import { useState } from "../vendor/hooks.js";

const Household = lazy(async () => (await import("../parts/household.js")).Household, null);

export function Settings() {
  const { app, state } = useApp();
  const { me } = state;
  const { t } = app;
  const [dialog, setDialog] = useState("");
  const close = () => setDialog("");
  const everywhere = () => app.signOut(t("settings.out-everywhere"), app.api.signOutEverywhere);
  return html`
    <h1 tabindex="-1">${t("settings.title")}</h1>
    <${Section} name="account" title=${t("settings.account")}>
      ${me?.email && html`<p>${t("settings.signed-in", { email: me.email })}</p>`}
      ${me && html`<${AccountForm} me=${me} /><${LanguageChoice} me=${me} />`}
      ${me?.email && html`<${PasswordForm} email=${me.email} />`}
      <p class="row"><button type="button" class="button button--danger" onClick=${() => setDialog("delete")}>${t("settings.delete")}</button></p>
    <//>
    <${Section} name="alerts" title=${t("settings.alerts")}>${me && html`<${AlertForm} me=${me} />`}<${Policies} /><//>
    <${Section} name="quiet" title=${t("quiet.title")}>${me && html`<${QuietForm} me=${me} /><${DigestForm} me=${me} />`}<//>
    <${Section} name="household" title=${t("settings.household")}><${Household} /><//>
    <${Section} name="page" title=${t("settings.page")}><${PageChoices} /><//>
    <${Section} name="files" title=${t("settings.files")}>
      <p class="hint">${t("settings.files.hint")}</p>
      <div class="row">
        <button type="button" class="button" onClick=${() => setDialog("export")}>${t("settings.export")}</button>
        ${may(state, "change") &&
        html`<button type="button" class="button" onClick=${() => app.store.update(withFields, { importing: { file: null } })}>
          ${t("settings.import")}
        </button>`}
        ${!app.households.id &&
        html`<button type="button" class="button button--quiet" onClick=${() => void app.attempt(() => removeSamples(app))}>
          ${t("samples.remove")}
        </button>`}
      </div>
    <//>
    <${Section} name="channels" title=${wordsIn(app.language)("title")}><${Channels} /><//>
    <${Section} name="keys" title=${t("settings.keys")}><${ProgramKeys} /><//>
    <${Section} name="devices" title=${t("settings.devices")}>
      <p class="hint">${t("settings.devices.hint")}</p>
      <${Devices} />
      <p class="row">
        <button type="button" class="button" onClick=${() => void app.attempt(everywhere)}>${t("settings.out-everywhere")}</button>
      </p>
    <//>
    ${dialog === "export" && html`<${ExportDialog} onClose=${close} />`}
    ${dialog === "delete" && html`<${DeleteAccount} hasPassword=${Boolean(me?.email)} onClose=${close} />`}
  `;
}
