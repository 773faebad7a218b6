/** @module Why a notification was sent: the rules that give its alerts, each of which can be changed here. */

import { html } from "../html.js";
import { isShown, may } from "../state/household.js";
import { isolate } from "../text.js";
import { grouped, subjectOf, translatorOf, whyText } from "../why.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { PolicyDialog } from "./policy_dialog.js";

/** @typedef {import("../types.js").AlertReason} AlertReason */
/** @typedef {import("../types.js").PolicySubject} PolicySubject */

/** Events of notifications that a rule or a choice of the person has sent. */
const EXPLAINED = ["expiring", "expired", "summary", "digest", "snoozed"];

/** @param {{of: import("../types.js").Notification}} props */
export function Why({ of }) {
  const { app, state } = useApp();
  const words = translatorOf(app.language);
  const [reasons, setReasons] = useState(/** @type {readonly AlertReason[] | null} */ (null));
  const [opened, setOpened] = useState(/** @type {PolicySubject | null} */ (null));
  const { id, event } = of;
  if (!event || !EXPLAINED.includes(event)) return null;
  const load = () => app.attempt(async () => setReasons((await app.api.reasonsOf(id)).items));
  /** @param {{currentTarget: HTMLDetailsElement}} event */
  const toggle = ({ currentTarget }) => {
    if (currentTarget.open && !reasons && event !== "snoozed") void load();
  };
  return html`
    <details class="notification__items" onToggle=${toggle}>
      <summary aria-describedby=${`${id}-text`}>${words("title")}</summary>
      ${event === "snoozed" && html`<p>${words("snoozed")}</p>`}
      ${event === "summary" && html`<p>${words("together", { n: state.me?.floodCap ?? 1 })}</p>`}
      ${event === "digest" && html`<p>${words("digest")}</p>`}
      ${reasons && html`<p class="hint">${words(reasons.length ? "rules" : "none")}</p>`}
      ${reasons &&
      html`<ul role="list">
        ${grouped(reasons).map(
          ({ reason, names }) => html`
            <${Reason} of=${reason} names=${of.productId ? [] : names} onChange=${canChange(state, of, reason) ? setOpened : null} />
          `,
        )}
      </ul>`}
    </details>
    ${opened && html`<${PolicyDialog} subjects=${[opened]} onClose=${() => setOpened(null)} onChange=${() => void load()} />`}
  `;
}

/**
 * Return true if the person can change the rule here: one of a product, a lot or a household only while that
 * household is shown.
 *
 * @param {import("../state.js").State} state
 * @param {import("../types.js").Notification} notification
 * @param {AlertReason} reason
 */
function canChange(state, { householdId }, { because: { scope } }) {
  if (scope === "household" && !may(state, "policy")) return false;
  return !["lot", "product", "household"].includes(scope) || isShown(state, householdId);
}

/** @param {{of: AlertReason, names: readonly string[], onChange: ((subject: PolicySubject) => void) | null}} props */
function Reason({ of, names, onChange }) {
  const { app } = useApp();
  const words = translatorOf(app.language);
  const what = whyText(words, of);
  const products = new Intl.ListFormat(app.language).format(names.map(isolate));
  const named = products ? `${products}: ${what}` : what;
  return html`
    <li>
      <bdi>${named}</bdi>
      ${onChange &&
      html`${" "}<button type="button" class="link" aria-label=${words("change.named", { what: named })} onClick=${() => onChange(subjectOf(of))}>${words("change")}</button>`}
    </li>
  `;
}
