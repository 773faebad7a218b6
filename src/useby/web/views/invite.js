/** @module The invitation of a link: the household and the role, which a person accepts once signed in. */

import { accept, invitationOf } from "../household_api.js";
import { html } from "../html.js";
import { useApp } from "../parts/context.js";
import { nameOf, wordsIn } from "../parts/household_text.js";
import { fragmentOf } from "../routes.js";
import { withMessage } from "../state.js";
import { useEffect, useState } from "../vendor/hooks.js";

/** @typedef {Awaited<ReturnType<typeof invitationOf>>} Invitation */

/** The invitation above the form for signing in. */
export function InvitedBy() {
  const { app } = useApp();
  const words = wordsIn(app.language);
  const { invitation, error } = useInvitation();
  return html`
    <section class="note" aria-label=${words("accept.title")}>
      <div role="status">
        ${error && html`<p class="error">${error}</p>`}
        ${invitation && html`<${About} invitation=${invitation} /><p class="hint">${words("accept.first")}</p>`}
      </div>
    </section>
  `;
}

/** The invitation of a person who is signed in. */
export function Invite() {
  const { app, state } = useApp();
  const words = wordsIn(app.language);
  const { invitation, error, setError } = useInvitation();
  const [busy, setBusy] = useState(false);
  const { id: token } = state.route;
  const join = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const household = await accept(app.session, token);
      await (app.store.state.me ? app.households.load() : app.loadMe());
      app.households.choose(household);
      app.store.update(withMessage, words("accepted", { name: nameOf(words, household) }));
      location.hash = fragmentOf("due");
    } catch (failed) {
      setError(app.stock.reasonOf(failed));
      setBusy(false);
    }
  };
  return html`
    <h1 tabindex="-1">${words("accept.title")}</h1>
    <p class="error" role="alert">${error}</p>
    ${invitation &&
    html`
      <${About} invitation=${invitation} />
      <div class="row">
        <button type="button" class="button button--main" disabled=${busy} onClick=${() => void join()}>${words("accept")}</button>
        <a class="button" href=${fragmentOf("due")}>${words("accept.later")}</a>
      </div>
    `}
  `;
}

/** @param {{invitation: Invitation}} props */
function About({ invitation }) {
  const words = wordsIn(useApp().app.language);
  const { role, household: name } = invitation;
  return html`
    <p><strong>${words("accept.text", { name: nameOf(words, { name }) })}</strong></p>
    <p>${words("accept.role", { role: words(`role.${role}`), may: words(`may.${role}`) })}</p>
  `;
}

/** Fetch the invitation of the link, or the reason why it does not work. */
function useInvitation() {
  const { app, state } = useApp();
  const { id: token } = state.route;
  const [invitation, setInvitation] = useState(/** @type {Invitation | null} */ (null));
  const [error, setError] = useState("");
  useEffect(() => {
    invitationOf(token).then(setInvitation, (failed) => setError(app.stock.reasonOf(failed)));
  }, [token]);
  return { invitation, error, setError };
}
