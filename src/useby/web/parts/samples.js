/** @module Sample products of a new account: this browser keeps whose account has them. */

import { html } from "../html.js";
import { withMessage } from "../state.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";

const KEPT = "useby.samples";

/** @typedef {import("./context.js").App} App */

/** @param {App} app */
export async function addSamples(app) {
  await app.api.addSamples();
  localStorage.setItem(KEPT, app.store.state.me?.id ?? "");
  await app.stock.load();
}

/** @param {App} app */
export async function removeSamples(app) {
  const { removed } = await app.api.removeSamples();
  localStorage.removeItem(KEPT);
  app.store.update(withMessage, app.t("samples.removed", { n: removed }));
  await app.stock.load();
}

/** Show that the list contains samples, with a button that removes them. */
export function SamplesNote() {
  const { app, state } = useApp();
  const [busy, setBusy] = useState(false);
  const kept = localStorage.getItem(KEPT);
  if (!kept || kept !== state.me?.id || app.households.id) return null;
  const remove = async () => {
    setBusy(true);
    await app.attempt(() => removeSamples(app));
    setBusy(false);
    document.querySelector("h1")?.focus(); // the button is gone
  };
  return html`
    <p class="note">
      <span>${app.t("samples.note")}</span>
      <button type="button" class="button" disabled=${busy} onClick=${() => void remove()}>${app.t("samples.remove")}</button>
    </p>
  `;
}
