/** @module The dialog in which a person deletes the account. */

import { html } from "../html.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { TextField } from "./field.js";

/** @param {{hasPassword: boolean, onClose: () => void}} props */
export function DeleteAccount({ hasPassword, onClose }) {
  const { app } = useApp();
  const { t } = app;
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError("");
    try {
      await app.signOut(t("settings.delete"), () => app.api.deleteMe(password));
    } catch (failed) {
      setError(app.stock.reasonOf(failed));
    }
    setBusy(false);
  };
  return html`
    <${Dialog} title=${t("settings.delete")} onClose=${onClose}>
      <p>${t("settings.delete.warning")}</p>
      <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
        ${hasPassword &&
        html`<${TextField} label=${t("signin.password")} name="password" type="password" autocomplete="current-password" required value=${password} error=${error} onInput=${setPassword} />`}
        ${!hasPassword && error && html`<p class="error" role="alert">${error}</p>`}
        <div class="row row--end">
          <button type="button" class="button button--quiet" onClick=${onClose}>${t("dialog.cancel")}</button>
          <button class="button button--danger">${t("settings.delete.button")}</button>
        </div>
      </form>
    <//>
  `;
}
