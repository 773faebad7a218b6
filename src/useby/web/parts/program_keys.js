/** @module Keys of programs: make one, which is shown once, see when each was last used, revoke it. */

import { dayOf, relativeDays } from "../dates.js";
import { html } from "../html.js";
import { withMessage } from "../state.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { TextField } from "./field.js";
import { nameOf, wordsIn } from "./household_text.js";

/** @typedef {import("../types.js").ProgramKey} ProgramKey */

export const SCOPES = /** @type {const} */ (["notify", "listen", "stock:read", "stock:write", "calendar"]);

export function ProgramKeys() {
  const { app } = useApp();
  const { t } = app;
  const [keys, setKeys] = useState(/** @type {readonly ProgramKey[]} */ ([]));
  const [made, setMade] = useState("");
  const section = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(
    () =>
      void app.attempt(async () => {
        const { items } = await app.api.keys();
        const listed = new Set(items.map(({ id }) => id));
        setKeys((added) => [...items, ...added.filter(({ id }) => !listed.has(id))]); // a key may be made before the list is here
      }),
    [],
  );

  /** @param {ProgramKey & {key: string}} added */
  const add = ({ key, ...shown }) => {
    setKeys((now) => [...now.filter(({ id }) => id !== shown.id), shown]);
    setMade(key);
  };
  /** @param {ProgramKey} key */
  const revoke = async (key) => {
    await app.api.revokeKey(key.id);
    setKeys((now) => now.filter(({ id }) => id !== key.id));
    setMade("");
    app.store.update(withMessage, t("keys.revoked", { name: key.name }));
    section.current?.querySelector("input")?.focus(); // the button that had the focus goes
  };
  return html`
    <div ref=${section}>
      <p class="hint">${t("keys.hint")}</p>
      ${keys.length > 0 &&
      html`<ul class="devices" role="list">
        ${keys.map((each) => html`<${Row} key=${each.id} of=${each} onRevoke=${() => void app.attempt(() => revoke(each))} />`)}
      </ul>`}
      <${NewKey} onMade=${add} />
      <div role="status">
        ${made &&
        html`
          <p>${t("keys.once")}</p>
          <p><code class="key" tabindex="0">${made}</code></p>
        `}
      </div>
    </div>
  `;
}

/** @param {{of: ProgramKey, onRevoke: () => void}} props */
function Row({ of, onRevoke }) {
  const { app, state } = useApp();
  const { t, language } = app;
  const used = of.lastUsedOn
    ? t("keys.used", { when: relativeDays(dayOf(of.lastUsedOn) - state.today, language) })
    : t("keys.unused");
  const ends = of.expiresAt && t("keys.ends", { when: relativeDays(dayOf(of.expiresAt.slice(0, 10)) - state.today, language) });
  return html`
    <li>
      <div>
        <p>${of.name} <span class="hint">${of.prefix}…</span></p>
        <p class="hint">${of.scopes.map((each) => t(`keys.may.${each}`)).join(", ")}</p>
        ${of.householdId !== state.me?.id && html`<${HouseholdHint} id=${of.householdId} />`}
        <p class="hint">${[used, ends].filter(Boolean).join(", ")}</p>
      </div>
      <button type="button" class="button" aria-label=${t("keys.revoke.named", { name: of.name })} onClick=${onRevoke}>
        ${t("keys.revoke")}
      </button>
    </li>
  `;
}

/**
 * The household of a key, which is not the person's own; nothing while the households are not known.
 *
 * @param {{id: string}} props
 */
function HouseholdHint({ id }) {
  const { app, state } = useApp();
  const { t, language } = app;
  if (!state.households.length) return null;
  const its = state.households.find((each) => each.id === id);
  return html`<p class="hint">${its ? t("keys.household", { name: nameOf(wordsIn(language), its) }) : t("keys.household.left")}</p>`;
}

/** @param {{onMade: (key: ProgramKey & {key: string}) => void}} props */
function NewKey({ onMade }) {
  const { app } = useApp();
  const { t } = app;
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState(/** @type {readonly string[]} */ (["notify"]));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setError(scopes.length ? "" : t("keys.choose"));
    if (!scopes.length) return;
    setBusy(true);
    try {
      onMade(await app.api.addKey(name, scopes, app.households.id || undefined));
      setName("");
    } catch (failed) {
      setError(app.stock.reasonOf(failed));
    }
    setBusy(false);
  };
  /** @param {string} scope */
  const toggle = (scope) => setScopes(scopes.includes(scope) ? scopes.filter((each) => each !== scope) : [...scopes, scope]);
  return html`
    <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
      <div class="grid"><${TextField} label=${t("keys.name")} name="keyName" required maxlength="100" value=${name} hint=${t("keys.name.hint")} onInput=${setName} /></div>
      <fieldset class="scopes">
        <legend>${t("keys.may")}</legend>
        ${SCOPES.map(
          (each) => html`
            <label><input type="checkbox" checked=${scopes.includes(each)} onChange=${() => toggle(each)} /> ${t(`keys.may.${each}`)}</label>
          `,
        )}
      </fieldset>
      ${app.households.id && html`<${HouseholdHint} id=${app.households.id} />`}
      <p class="error" role="alert">${error}</p>
      <div class="row"><button class="button">${t("keys.add")}</button></div>
    </form>
  `;
}
