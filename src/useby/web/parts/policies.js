/** @module The policies of names and of the household; a product's page has its own. */

import { html } from "../html.js";
import { may } from "../state/household.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { PolicyDialog, subjectName } from "./policy_dialog.js";

/** @typedef {import("../types.js").PolicySubject} Subject */
/** @typedef {import("../api.js").Api} Api */

/** Policies of names and of the household, each with a button that opens it. */
export function Policies() {
  const { app, state } = useApp();
  const { t } = app;
  const [found, setSubjects] = useState(/** @type {readonly Subject[]} */ ([]));
  const subjects = found.filter(({ scope }) => scope !== "household" || may(state, "policy"));
  const [opened, setOpened] = useState(/** @type {Subject | null} */ (null));
  const load = () => void app.attempt(async () => setSubjects(await namedSubjects(app.api)));
  useEffect(load, []);
  if (!subjects.length) return html`<p class="hint">${t("policy.none")}</p>`;
  return html`
    <h3>${t("policy.list")}</h3>
    <ul class="devices" role="list">
      ${subjects.map((subject) => {
        const name = subjectName(t, subject);
        return html`
          <li key=${`${subject.scope} ${subject.key}`}>
            <p>${name}</p>
            <button type="button" class="button" aria-label=${t("policy.change.named", { name })} onClick=${() => setOpened(subject)}>
              ${t("policy.change")}
            </button>
          </li>
        `;
      })}
    </ul>
    ${opened && html`<${PolicyDialog} subjects=${[opened]} onClose=${() => setOpened(null)} onChange=${load} />`}
  `;
}

/**
 * Return what has a policy by its name. The list has the widest policies first and those of products last.
 *
 * @param {Api} api
 */
async function namedSubjects(api) {
  /** @type {Subject[]} */
  const found = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    const page = /** @type {Awaited<ReturnType<Api["policies"]>>} */ (await api.policies(cursor));
    found.push(...page.items.filter(({ scope }) => scope !== "account" && scope !== "product" && scope !== "lot"));
    cursor = page.items.some(({ scope }) => scope === "product" || scope === "lot") ? null : page.nextCursor;
  } while (cursor !== null);
  return found;
}
