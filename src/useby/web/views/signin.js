/** @module Signing in, signing up, and accepting an invitation. */

import { ApiError } from "../api.js";
import { html } from "../html.js";
import { TextField } from "../parts/field.js";
import { useApp } from "../parts/context.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";

/**
 * Show the form.
 *
 * @param {{invitation: URLSearchParams | null, isAgain: boolean, onAccepted: () => void}} props
 *   `invitation` is that of the link that `useby user invite` printed; `isAgain` if a person has just
 *   signed out
 */
export function SignIn({ invitation, isAgain, onAccepted }) {
  const { app, state } = useApp();
  const { t, session } = app;
  const [email, setEmail] = useState(invitation?.get("email") ?? "");
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState("");
  const [canSignUp, setCanSignUp] = useState(false);
  const [canMail, setCanMail] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));

  useEffect(() => {
    const name = invitation ? "password" : "email";
    const field = form.current?.querySelector(`input[name=${name}]`);
    if ((isAgain || invitation) && field instanceof HTMLElement) field.focus();
    session.offers().then(
      ({ signUp, mail }) => {
        setCanSignUp(signUp);
        setCanMail(mail);
      },
      () => {}, // the node cannot be reached
    );
  }, []);

  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return; // the button was pressed twice
    const button = event.submitter instanceof HTMLButtonElement ? event.submitter : null;
    const isNew = button?.value === "new";
    setError("");
    setBusy(isNew ? "new" : "known");
    try {
      const invited = invitation?.get("invitation");
      if (invited) await session.accept(invited, password);
      else if (isNew) await session.signUp(email, password);
      if (invited) onAccepted();
      await session.signIn(email, password);
      app.begin();
    } catch (failed) {
      const isTaken = isNew && failed instanceof ApiError && failed.status === 401;
      setError(isTaken ? t("signin.not-new") : app.stock.reasonOf(failed));
      setBusy("");
      setTimeout(() => button?.focus()); // it lost the focus when it was disabled
    }
  };
  /** @param {"known" | "new"} which */
  const isBusy = (which) => busy === which;
  return html`
    <section class="signin">
      <h1 tabindex="-1">${t(invitation ? "signin.invited" : "signin.title")}</h1>
      <p class="signin__claim">${t("signin.claim")}</p>
      <p class="error" role="alert">${error || state.error}</p>
      <form ref=${form} method="post" aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
        <${TextField}
          label=${t("signin.email")}
          name="email"
          type="email"
          autocomplete="username"
          required
          readonly=${Boolean(invitation)}
          value=${email}
          onInput=${setEmail}
        />
        <${TextField}
          label=${t("signin.password")}
          name="password"
          type="password"
          autocomplete=${invitation ? "new-password" : "current-password"}
          required
          value=${password}
          onInput=${setPassword}
        />
        <div class="row">
          <button class="button button--main" disabled=${isBusy("known")}>
            ${t(isBusy("known") ? "signin.busy" : "signin.button")}
          </button>
          ${canSignUp &&
          !invitation &&
          html`<button class="button" value="new" disabled=${isBusy("new")}>
            ${t(isBusy("new") ? "signin.busy" : "signin.create")}
          </button>`}
        </div>
        ${canMail && !invitation && html`<p><a href="mail/forgot">${t("signin.forgot")}</a></p>`}
      </form>
    </section>
  `;
}
