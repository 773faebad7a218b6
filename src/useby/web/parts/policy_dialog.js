/** @module When alerts of something are sent: a policy, whose empty fields are those of the next wider one. */

import { dayOf } from "../dates.js";
import { html } from "../html.js";
import { leadsOf, typedLeads } from "../leads.js";
import { clockOf, momentOn } from "../moments.js";
import { withMessage } from "../state.js";
import { ownZone } from "../state/household.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { Choice, TextField } from "./field.js";
import { typedRule } from "./rules.js";

/** @typedef {import("../types.js").Policy} Policy */
/** @typedef {import("../types.js").PolicySubject} Subject */
/** @typedef {import("../text.js").Translate} Translate */

/** What a person has typed; an empty text leaves a field to the next wider policy. */
const EMPTY = { leads: "", when: "", time: "", expiry: "", every: "", most: "", muted: "", until: "" };

/**
 * Return the words for what a policy is about.
 *
 * @param {Translate} t
 * @param {Subject} subject
 */
export function subjectName(t, { scope, key, name }) {
  if (scope === "dateKind") return t(key === "use_by" ? "policy.of.use_by" : "policy.of.best_before");
  return t(`policy.of.${scope}`, { name: name ?? key ?? "" });
}

/**
 * Show the policy of one of several subjects, of which a person chooses.
 *
 * @param {{subjects: readonly Subject[], onClose: () => void, onChange: () => void}} props
 */
export function PolicyDialog({ subjects, onClose, onChange }) {
  const { app } = useApp();
  const { t } = app;
  const [chosen, setChosen] = useState(0);
  const [loaded, setLoaded] = useState(/** @type {{at: number, policy: Policy | null} | null} */ (null));
  const subject = /** @type {Subject} */ (subjects[chosen]);
  useEffect(() => {
    void app.attempt(async () => setLoaded({ at: chosen, policy: await app.api.policy(subject) }));
  }, [chosen]);
  return html`
    <${Dialog} title=${t("policy.title")} onClose=${onClose}>
      ${subjects.length > 1
        ? html`<${Choice}
            label=${t("policy.for")}
            value=${String(chosen)}
            onChange=${(/** @type {string} */ value) => setChosen(Number(value))}
            choices=${subjects.map((each, place) => [String(place), subjectName(t, each)])}
          />`
        : html`<p>${subjectName(t, subject)}</p>`}
      ${loaded?.at === chosen &&
      html`<${PolicyForm} key=${chosen} subject=${subject} policy=${loaded.policy} onClose=${onClose} onChange=${onChange} />`}
    <//>
  `;
}

/** @param {{subject: Subject, policy: Policy | null, onClose: () => void, onChange: () => void}} props */
function PolicyForm({ subject, policy, onClose, onChange }) {
  const { app, state } = useApp();
  const { t } = app;
  const zone = ownZone(state); // a mute is the member's own
  const [typed, setTyped] = useState(() => typedPolicy(policy, zone));
  const [problem, setProblem] = useState({ field: "", text: "" });
  const [busy, setBusy] = useState(false);
  /** @param {keyof typeof EMPTY} field */
  const set = (field) => (/** @type {string} */ value) => setTyped((before) => ({ ...before, [field]: value }));
  /** @param {() => Promise<unknown>} act */
  const attempt = async (act) => {
    if (busy) return;
    setBusy(true);
    try {
      await act();
      app.store.update(withMessage, t("settings.saved"));
      onChange();
      onClose();
    } catch (error) {
      setProblem({ field: "", text: app.stock.reasonOf(error) });
      setBusy(false);
    }
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const leads = leadsOf(typed.leads);
    const isBad = typed.when === "leads" && !leads?.length;
    setProblem({ field: isBad ? "leads" : "", text: "" });
    if (!isBad) void attempt(() => app.api.putPolicy(subject, policyOf(typed, leads ?? [], zone)));
  };
  const yesOrNo = /** @type {const} */ ([["", t("policy.wider")], ["yes", t("policy.yes")], ["no", t("policy.no")]]);
  return html`
    <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
      <p class="hint">${t("policy.hint")}</p>
      <div class="grid">
        <${Choice}
          label=${t("policy.before")}
          value=${typed.when}
          onChange=${set("when")}
          choices=${[["", t("policy.wider")], ["leads", t("policy.before.leads")], ["none", t("policy.before.none")]]}
        />
        ${typed.when === "leads" &&
        html`<${TextField}
          label=${t("policy.leads")}
          name="leads"
          value=${typed.leads}
          hint=${t("policy.leads.hint")}
          error=${problem.field === "leads" ? t("policy.leads.bad") : ""}
          onInput=${set("leads")}
        />`}
        <${Choice} label=${t("policy.expiry")} value=${typed.expiry} onChange=${set("expiry")} choices=${yesOrNo} />
        <${TextField} label=${t("policy.time")} name="time" type="time" value=${typed.time} hint=${t("policy.time.hint")} onInput=${set("time")} />
        <${TextField} label=${t("policy.every")} name="every" type="number" min="1" value=${typed.every} hint=${t("policy.every.hint")} onInput=${set("every")} />
        ${typed.every &&
        html`<${TextField} label=${t("policy.most")} name="most" type="number" min="0" required value=${typed.most} onInput=${set("most")} />`}
        <${Choice}
          label=${t("policy.muted")}
          value=${typed.muted}
          onChange=${set("muted")}
          choices=${[["", t("policy.wider")], ["no", t("policy.muted.no")], ["until", t("policy.muted.until")], ["yes", t("policy.muted.yes")]]}
        />
        ${typed.muted === "until" &&
        html`<${TextField} label=${t("policy.until")} name="until" type="datetime-local" required value=${typed.until} onInput=${set("until")} />`}
      </div>
      <p class="error" role="alert">${problem.text}</p>
      <div class="row row--end">
        ${policy &&
        html`<button type="button" class="button" onClick=${() => void attempt(() => app.api.deletePolicy(subject))}>${t("policy.remove")}</button>`}
        <button class="button button--main">${t("settings.save")}</button>
      </div>
    </form>
  `;
}

/**
 * Write a policy as a person types it.
 *
 * @param {Policy | null} policy
 * @param {string} zone
 */
function typedPolicy(policy, zone) {
  if (!policy) return EMPTY;
  const { leads, alertTime, onExpiry, repeat, muted } = policy;
  const isUntil = typeof muted === "string";
  return {
    leads: typedLeads(leads ?? []),
    when: leads ? (leads.length ? "leads" : "none") : "",
    time: alertTime ?? "",
    expiry: onExpiry === null ? "" : onExpiry ? "yes" : "no",
    every: typedRule(repeat?.every ?? null),
    most: repeat ? String(repeat.most) : "",
    muted: isUntil ? "until" : muted === null ? "" : muted ? "yes" : "no",
    until: isUntil ? clockOf(Date.parse(muted), zone) : "",
  };
}

/**
 * Return the policy that a person has typed.
 *
 * @param {typeof EMPTY} typed
 * @param {string[]} leads
 * @param {string} zone
 */
function policyOf({ when, time, expiry, every, most, muted, until }, leads, zone) {
  const [day = "", clock = ""] = until.split("T");
  return {
    leads: when === "" ? null : when === "leads" ? leads : [],
    alertTime: time || null,
    onExpiry: expiry === "" ? null : expiry === "yes",
    repeat: every ? { every: `P${Number(every)}D`, most: Number(most) } : null,
    muted: muted === "" ? null : muted === "until" ? new Date(momentOn(dayOf(day), clock, zone)).toISOString() : muted === "yes",
  };
}
