/** @module Changes that no longer fit what the node has, or that it failed to do: both versions, and a choice. */

import { dayIn, momentOf, shortDate } from "../dates.js";
import { html } from "../html.js";
import { wordsIn } from "../offline/text.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { wordsFor } from "./notice.js";

/** @typedef {import("../offline/waiting.js").Waiting} Waiting */
/** @typedef {import("../types.js").Lot} Lot */

/** @param {{changes: readonly Waiting[]}} props */
export function Conflicts({ changes }) {
  const words = wordsIn(useApp().app.language);
  const hasFailed = changes.some(({ conflict }) => conflict?.failed);
  return html`
    <section class="conflicts" aria-labelledby="conflicts">
      <h2 id="conflicts">${words("conflict.title", { n: changes.length })}</h2>
      ${!hasFailed && html`<p class="hint">${words("conflict.hint", { n: changes.length })}</p>`}
      <ul role="list">
        ${changes.map((change) => html`<${Conflict} key=${change.id} change=${change} />`)}
      </ul>
    </section>
  `;
}

/** @param {{change: Waiting}} props */
function Conflict({ change }) {
  const { app, state } = useApp();
  const { language } = app;
  const words = wordsIn(language);
  const [busy, setBusy] = useState(false);
  const { id, name, at, conflict, seen } = change;
  const theirs = conflict?.theirs ?? null;
  const unit = seen?.product.unit ?? "";
  const describe = (/** @type {Lot | null} */ lot) => (lot ? versionOf(app, lot, unit, state) : "");
  /** @param {() => Promise<unknown>} choice */
  const choose = async (choice) => {
    setBusy(true);
    await app.attempt(choice);
    setBusy(false);
    document.querySelector("h1")?.focus();
  };
  const { outbox } = app.offline() ?? {};
  const failed = conflict?.failed ?? false;
  const canApply = failed || theirs !== null || change.kind !== "lot";
  const there = theirs ? describe(theirs) : conflict?.reason || words("conflict.gone");
  return html`
    <li class="conflict" aria-labelledby=${`conflict-${id}`}>
      <h3 id=${`conflict-${id}`}><bdi>${name || words("conflict.unnamed")}</bdi></h3>
      <dl class="versions">
        <div>
          <dt>${words("conflict.here", { when: momentOf(at, dayIn(Date.now(), state.zone), language, state.zone) })}</dt>
          <dd><bdi>${wordsFor(app, change)}</bdi>${seen && html`<span class="hint">${words("conflict.before", { lot: describe(seen) })}</span>`}</dd>
        </div>
        <div>
          <dt>${words(failed ? "conflict.answer" : "conflict.there")}</dt>
          <dd><bdi>${there}</bdi>${theirs && conflict?.reason && html`<span class="hint">${conflict.reason}</span>`}</dd>
        </div>
      </dl>
      <div class="row">
        <button type="button" class="button" disabled=${busy} aria-describedby=${`conflict-${id}`} onClick=${() => void choose(async () => outbox?.keepTheirs(id))}>
          ${words(failed ? "conflict.drop" : "conflict.keep")}
        </button>
        ${canApply &&
        html`<button type="button" class="button" disabled=${busy} aria-describedby=${`conflict-${id}`} onClick=${() => void choose(async () => outbox?.applyMine(id))}>
          ${words(failed ? "conflict.again" : "conflict.apply")}
        </button>`}
      </div>
    </li>
  `;
}

/**
 * Write what a lot is: "2 l, opened, 3 March".
 *
 * @param {import("./context.js").App} app
 * @param {Lot} lot
 * @param {string} unit
 * @param {import("../state.js").State} state
 */
function versionOf({ t, language }, { quantity, state, closedAs, expiryDate }, unit, { zone, today }) {
  if (closedAs) return t(closedAs === "consumed" ? "lot.used" : "lot.thrown");
  const parts = [unit ? `${quantity} ${unit}` : `× ${quantity}`];
  if (state !== "sealed") parts.push(t(`state.${state}`));
  if (expiryDate !== null) parts.push(shortDate(expiryDate, language, zone, today));
  return parts.join(", ");
}
