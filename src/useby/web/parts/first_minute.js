/** @module What a new account sees: three ways to begin, and a list to try things with. */

import { html } from "../html.js";
import { fragmentOf } from "../routes.js";
import { withFields } from "../state.js";
import { may } from "../state/household.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Icon } from "./icon.js";
import { addSamples } from "./samples.js";

export function FirstMinute() {
  const { app, state } = useApp();
  const { t } = app;
  const [busy, setBusy] = useState(false);
  const openImport = () => app.store.update(withFields, { importing: { file: null } });
  const sample = async () => {
    setBusy(true);
    if (await app.attempt(() => addSamples(app))) document.querySelector("h1")?.focus();
    setBusy(false);
  };
  if (!may(state, "change")) return html`<p class="hint">${t("due.empty.title")}.</p>`;
  return html`
    <section class="nothing" aria-labelledby="first-minute">
      <h2 id="first-minute">${t("due.empty.title")}</h2>
      <p>${t("due.empty")}</p>
      <ul class="ways" role="list">
        <li><a class="way" href=${`${fragmentOf("add")}?scan`}><${Icon} name="scan" /><span>${t("first.scan")}</span></a></li>
        <li><a class="way" href=${fragmentOf("add")}><${Icon} name="add" /><span>${t("first.type")}</span></a></li>
        <li><button type="button" class="way" onClick=${openImport}><${Icon} name="products" /><span>${t("first.import")}</span></button></li>
      </ul>
      ${!app.households.id &&
      html`<p class="row">
        <span>${t("first.sample")}</span>
        <button type="button" class="button" disabled=${busy} onClick=${() => void sample()}>${t("samples.add")}</button>
      </p>`}
    </section>
  `;
}
