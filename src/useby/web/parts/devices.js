/** @module The sign-ins of the account: this device, and the others, each of which can be signed out. */

import { dateTime, dayOf, relativeDays } from "../dates.js";
import { html } from "../html.js";
import { withMessage } from "../state.js";
import { ownZone } from "../state/household.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";

/** @typedef {import("../types.js").SignIn} SignIn */

export function Devices() {
  const { app } = useApp();
  const { t } = app;
  const [signIns, setSignIns] = useState(/** @type {readonly SignIn[]} */ ([]));
  const [cursor, setCursor] = useState(/** @type {string | null} */ (null));
  const list = useRef(/** @type {HTMLElement | null} */ (null));

  /** @param {readonly SignIn[]} before */
  const load = async (before) => {
    const { items, nextCursor } = await app.api.signIns(before.length ? cursor : null);
    setSignIns((now) => (before.length ? [...now, ...items] : items));
    setCursor(nextCursor);
    if (before.length && nextCursor === null) focusOn("this"); // the button that had the focus goes
  };
  /** @param {string} device */
  const focusOn = (device) => {
    const button = list.current?.querySelector(`[data-device="${device}"]`);
    if (button instanceof HTMLElement) button.focus();
  };
  useEffect(() => void app.attempt(() => load([])), []);

  const current = signIns.find((each) => each.current);
  const others = signIns.filter((each) => !each.current);
  /** @param {SignIn} signIn */
  const end = async (signIn) => {
    await app.api.endSignIn(signIn.id);
    setSignIns((now) => now.filter(({ id }) => id !== signIn.id));
    app.store.update(withMessage, t("devices.ended", { device: nameOf(signIn, t) }));
    const next = others[others.indexOf(signIn) + 1] ?? null;
    focusOn(next ? CSS.escape(next.id) : "this"); // the button that had the focus goes
  };
  return html`
    <ul ref=${list} class="devices" role="list">
      <${Device} signIn=${current} onEnd=${() => void app.signOut()} />
      ${others.map((each) => html`<${Device} key=${each.id} signIn=${each} onEnd=${() => void app.attempt(() => end(each))} />`)}
    </ul>
    ${cursor !== null &&
    html`<p class="row"><button type="button" class="button" onClick=${() => void app.attempt(() => load(signIns))}>${t("product.more")}</button></p>`}
  `;
}

/**
 * A row; that of this device is there before the node has answered.
 *
 * @param {{signIn: SignIn | undefined, onEnd: () => void}} props
 */
function Device({ signIn, onEnd }) {
  const { app, state } = useApp();
  const { t, language } = app;
  const isThis = !signIn || signIn.current;
  const name = signIn ? nameOf(signIn, t) : "";
  return html`
    <li>
      <div>
        <p>${isThis ? html`<strong>${t("devices.this")}</strong>${name && `: ${name}`}` : name}</p>
        ${signIn &&
        html`
          <p class="hint">
            ${t("devices.since", { when: dateTime(signIn.createdAt, language, ownZone(state)) })}
            ${!isThis && `, ${t("devices.used", { when: relativeDays(dayOf(signIn.lastUsedOn) - state.today, language) })}`}
          </p>
        `}
      </div>
      <button
        type="button"
        class="button"
        data-device=${isThis ? "this" : signIn?.id}
        aria-label=${isThis ? undefined : t("devices.end", { device: name })}
        onClick=${onEnd}
      >
        ${t("settings.out")}
      </button>
    </li>
  `;
}

/**
 * Write what is known of a sign-in: "Firefox on Linux".
 *
 * @param {SignIn} signIn
 * @param {import("../text.js").Translate} t
 */
function nameOf({ program, system }, t) {
  if (program && system) return t("devices.on", { program, system });
  return program ?? system ?? t("devices.unknown");
}
